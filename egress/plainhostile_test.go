package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whatever a server does with the framing of an answer, what it wrote for one request
// never becomes the answer of the next, which is somebody else's.
func TestPlainKeepsAnswersApart(t *testing.T) {
	const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	ways := map[string]string{
		"204 with a body":              "HTTP/1.1 204 No Content\r\n\r\n" + forged,
		"204 with a length":            "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n" + forged,
		"204 in chunks":                "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + forged,
		"304 with a body":              "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n" + forged,
		"no bytes and some":            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + forged,
		"both, chunks end first":       "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + forged,
		"both, the length ends first":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\nye\r\n0\r\n\r\n" + forged,
		"chunks of HTTP/1.0":           "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nyes" + forged,
		"chunks with an extension":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\ny\r\n0;x\r\n\r\n" + forged,
		"a trailer with an answer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n" + forged,
		"a second length in a trailer": "HTTP/1.1 200 OK\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nX: y\r\n\r\n" + forged,
		"two encodings":                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\ny" + forged,
		"an encoding that nobody has":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\nContent-Length: 1\r\n\r\ny" + forged,
		"a length with a sign":         "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\ny" + forged,
		"a negative length":            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\ny" + forged,
		"a length of two":              "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\ny" + forged,
		"HTTP/1.0 that stays":          "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\ny" + forged,
		"an early hint with a length":  "HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny" + forged,
		"an upgrade":                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + forged,
		"a status of no kind":          "HTTP/1.1 099 Odd\r\nContent-Length: 1\r\n\r\ny" + forged,
		"a redirect":                   "HTTP/1.1 307 Temporary Redirect\r\nLocation: /mcp\r\nContent-Length: 1\r\n\r\ny" + forged,
		"gzip":                         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\ny" + forged,
		"line feeds alone":             "HTTP/1.1 200 OK\nContent-Length: 1\n\ny" + forged,
		"a continued field":            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\ny" + forged,
		"a field with a blank":         "HTTP/1.1 200 OK\r\nContent-Length : 100\r\nContent-Length: 1\r\n\r\ny" + forged,
	}
	for name, answer := range ways {
		for _, parts := range []int{1, 2, 0} { // at once, in two writes, byte by byte
			t.Run(fmt.Sprint(name, " in ", parts), func(t *testing.T) {
				wrote := make(chan struct{}, 8)
				s := newRawSite(t, func(_ int64, in *bufio.Reader, c net.Conn) {
					for {
						_, body, err := asked(in)
						if err != nil {
							return
						}
						if body == "plain" {
							fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
							continue
						}
						switch parts {
						case 1:
							_, _ = io.WriteString(c, answer)
						case 2:
							_, _ = io.WriteString(c, strings.TrimSuffix(answer, forged))
							_, _ = io.WriteString(c, forged)
						default:
							for i := range len(answer) {
								if _, err := io.WriteString(c, answer[i:i+1]); err != nil {
									break
								}
							}
						}
						wrote <- struct{}{}
					}
				})
				c := streams(t, Options{})
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				for range 2 {
					_, got, err := post(ctx, c, s.url, "hostile")
					if err == nil && strings.Contains(got, "mine") {
						t.Errorf("got %q", got)
					}
					<-wrote // nothing more comes
					if _, got, err := post(ctx, c, s.url, "plain"); err != nil || got != "mine" {
						t.Fatalf("the next one got %q, %v", got, err)
					}
				}
			})
		}
	}
}

// Many ask at once by few connections, some give up at any moment or read no further,
// and the server is slow, cuts off and closes as it likes: everybody who gets an answer
// gets his own.
func TestPlainUnderWithdrawals(t *testing.T) {
	s := newRawSite(t, func(n int64, in *bufio.Reader, c net.Conn) {
		rng := rand.New(rand.NewPCG(uint64(n), 7))
		for {
			_, body, err := asked(in)
			if err != nil {
				return
			}
			text := body + strings.Repeat("."+body, rng.IntN(40))
			switch rng.IntN(8) {
			case 0: // in chunks
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
				for rest := text; rest != ""; {
					n := min(len(rest), 1+rng.IntN(30))
					fmt.Fprintf(c, "%x\r\n%s\r\n", n, rest[:n])
					rest = rest[n:]
				}
				fmt.Fprint(c, "0\r\n\r\n")
			case 1: // cut off
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text)+1, text)
				return
			case 2: // closed without a word
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
				return
			case 3: // until the end
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n\r\n%s", text)
				return
			case 4: // with more behind
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", len(text), text)
			default:
				half := len(text) / 2
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text[:half])
				fmt.Fprint(c, text[half:])
			}
		}
	})
	tr := dialer(t, Options{Stream: true, AllowPrivate: []string{allowed}}).Transport().(*transport)
	c := client(t, Options{Stream: true})
	c.Transport = tr
	var all sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	for w := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 11))
			for i := range 300 {
				ctx, stop := context.WithCancel(t.Context())
				if rng.IntN(3) == 0 {
					time.AfterFunc(time.Duration(rng.IntN(300))*time.Microsecond, stop)
				}
				mine := strconv.Itoa(w) + "-" + strconv.Itoa(i)
				_, got, err := post(ctx, c, s.url, mine)
				stop()
				if err != nil {
					if err := errors.Unwrap(err); err != nil && strings.Contains(err.Error(), "malformed") {
						t.Errorf("%s: %v", mine, err)
					}
					continue
				}
				mu.Lock()
				answered++
				mu.Unlock()
				if strings.Trim(strings.ReplaceAll(got, mine, ""), ".") != "" || !strings.HasPrefix(got, mine) {
					t.Errorf("%s got %q", mine, got)
				}
			}
		})
	}
	all.Wait()
	if answered < 500 {
		t.Errorf("only %d were answered", answered)
	}
	tr.CloseIdleConnections()
}
