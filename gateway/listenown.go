package gateway

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"time"
)

// own takes the connection of the listener from net/http, which keeps two stacks and
// three buffers for it as long as a handler runs, and most streams say nothing most of
// the time. It reports whether it did: over HTTP/2, and where something was said
// already, the handler stays.
func (l *listener) own() bool {
	if l.v.r.ProtoMajor != 1 || l.v.r.ProtoMinor < 1 || !l.v.e.doors.stays() {
		return false
	}
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamFresh {
		l.v.e.doors.busy.Done()
		return false
	}
	conn, buffered, err := s.ctrl.Hijack()
	if err != nil {
		l.v.e.doors.busy.Done()
		return false
	}
	w := &ownWriter{conn: conn, header: s.w.Header(), fails: l.cancel}
	s.w, s.ctrl, l.v.w = w, http.NewResponseController(w), nil
	l.gone() // the end of the handler is not that of the client
	l.atEnd(func() {
		w.end()
		l.v.e.doors.busy.Done()
	})
	if buffered.Reader.Buffered() == 0 {
		go l.watch(conn)
	}
	return true
}

// watch ends the stream when its client has gone. As net/http does, it looks no
// further behind a byte that is no end.
func (l *listener) watch(conn net.Conn) {
	var one [1]byte
	if _, err := conn.Read(one[:]); err != nil {
		l.cancel()
	}
}

// stay is run on a goroutine of its own, whose stack stays small.
func (l *listener) stay() {
	defer func() {
		if p := recover(); p != nil {
			_ = l.v.e.doors.failed(p) // it is recorded
		}
		end := l.ends[len(l.ends)-1]
		l.ends = l.ends[:len(l.ends)-1]
		l.leave()
		end() // nobody writes any more
	}()
	l.run()
}

// stays admits something that outlives its handler, unless the endpoint closes.
func (s *doors) stays() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.busy.Add(1)
	}
	return !s.closed
}

// ownWriter writes an answer over HTTP/1.1 whose length is not known, each piece in a
// chunk of its own and at once (RFC 9112, section 7.1). Streams write one by one.
type ownWriter struct {
	conn   net.Conn
	header http.Header
	fails  func() // called when the client cannot be written to
	begun  bool
	failed bool
}

// Header implements http.ResponseWriter.
func (w *ownWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. A connection serves nothing after this.
func (w *ownWriter) WriteHeader(status int) {
	if w.begun {
		return
	}
	w.begun = true
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n")
	w.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.header.Set("Transfer-Encoding", "chunked")
	w.header.Set("Connection", "close")
	_ = w.header.Write(&b) // to memory
	b.WriteString("\r\n")
	w.header = nil
	_ = w.send(b.Bytes()) // the next write fails too
}

// Write implements http.ResponseWriter.
func (w *ownWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 { // it would be the last chunk
		return 0, nil
	}
	b := strconv.AppendInt(make([]byte, 0, len(p)+20), int64(len(p)), 16)
	b = append(append(append(b, "\r\n"...), p...), "\r\n"...)
	if err := w.send(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *ownWriter) send(b []byte) error {
	if w.failed {
		return net.ErrClosed
	}
	_, err := w.conn.Write(b)
	if err != nil {
		w.failed = true // what was cut off cannot be gone on with
		w.fails()
	}
	return err
}

// FlushError implements what http.ResponseController asks for.
func (w *ownWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if w.failed {
		return net.ErrClosed
	}
	return nil
}

// SetWriteDeadline implements what http.ResponseController asks for.
func (w *ownWriter) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }

// end says that this was all, and closes the connection.
func (w *ownWriter) end() {
	if w.begun && !w.failed {
		_ = w.conn.SetWriteDeadline(time.Now().Add(flushPatience)) // fails where the connection does
		_ = w.send([]byte("0\r\n\r\n"))                            // who does not hear it sees the end of the connection
	}
	_ = w.conn.Close()
}
