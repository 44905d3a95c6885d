package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/wire"
)

// errDoorEnded is what an open request gets when this end closes.
var errDoorEnded = &ostiary.Error{Code: ostiary.CodeGatewayShutdown,
	Message: "the connection to the door is closing: reconnect and look whether the call took effect before you repeat it"}

// endpoint is the URL of the door's endpoint.
func (c *connection) endpoint(ctx context.Context) (string, error) {
	c.mu.Lock()
	url := c.url
	c.mu.Unlock()
	if url != "" {
		return url, nil
	}
	url, err := c.o.Endpoint(ctx)
	if err != nil {
		return "", c.explain(err)
	}
	c.mu.Lock()
	c.url = url
	c.mu.Unlock()
	return url, nil
}

// prepare makes a request of the door.
func (c *connection) prepare(ctx context.Context, method string) (*http.Request, error) {
	url, err := c.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	own, err := c.o.Header()
	if err != nil {
		return nil, err
	}
	for name, values := range own {
		req.Header[name] = values
	}
	return req, nil
}

// inSession names the session of the legacy era.
func (c *connection) inSession(h http.Header) (session string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != "" {
		h.Set(headerSession, c.session)
	}
	if c.version != "" {
		h.Set(headerVersion, c.version)
	}
	return c.session
}

// post sends one message. The header says what the message says.
func (c *connection) post(ctx context.Context, m *wire.Message, sent func()) (resp *http.Response, session string, err error) {
	req, err := c.prepare(ctx, http.MethodPost)
	if err != nil {
		return nil, "", err
	}
	body := func() (io.ReadCloser, error) {
		return io.NopCloser(&announced{bytes.NewReader(m.Raw), sent}), nil
	}
	req.GetBody, req.ContentLength = body, int64(len(m.Raw))
	req.Body, _ = body()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	switch {
	case m.Era == wire.EraModern:
		req.Header.Set(headerVersion, m.Version)
		modernHeader(req.Header, m)
		if m.Method == "tools/call" {
			setParameters(req.Header, c.seen.parameters(m.Name), m.Arguments)
		}
	case m.Method != "initialize":
		session = c.inSession(req.Header)
	}
	if resp, err = c.o.Client.Do(req); err != nil {
		return nil, session, c.explain(err)
	}
	c.said.calm()
	return resp, session, nil
}

// announced tells when all of a body was read, which is when it leaves.
type announced struct {
	*bytes.Reader
	sent func()
}

// Read implements io.Reader.
func (a *announced) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if a.Len() == 0 {
		a.sent()
	}
	return n, err
}

// note sends what has no answer.
func (c *connection) note(ctx context.Context, m *wire.Message) error {
	resp, session, err := c.post(ctx, m, func() {})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound && session != "":
		c.lose(session)
	case resp.StatusCode >= 300 || resp.StatusCode < 200:
		return c.unexpected(resp)
	case m.Method == "notifications/initialized" && session != "":
		c.busy.Go(func() { c.listen(session) })
	}
	drain(resp.Body)
	return nil
}

// carry takes a request to the door, and back what the door says of it.
func (c *connection) carry(e *errand) {
	resp, session, err := c.post(e.ctx, e.m, e.isSent)
	if err != nil {
		c.fail(e, err)
		return
	}
	defer resp.Body.Close()
	e.isSent()
	shakes := e.m.Method == "initialize" && e.m.Era == wire.EraLegacy && resp.StatusCode == http.StatusOK
	if shakes {
		c.begin(resp.Header.Get(headerSession))
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case kind == "application/json" && resp.StatusCode != http.StatusUnauthorized && (resp.StatusCode < 300 || resp.StatusCode >= 400):
		err = c.single(e, resp, session)
	case kind == "text/event-stream" && resp.StatusCode == http.StatusOK:
		err = c.stream(e, resp.Body, session)
	case resp.StatusCode == http.StatusNotFound && session != "":
		c.lose(session)
		err = errSessionLost
	default:
		err = c.unexpected(resp)
	}
	if err != nil {
		c.fail(e, err)
	}
}

// single takes an answer that comes alone.
func (c *connection) single(e *errand, resp *http.Response, session string) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, int64(c.back.MaxBytes)+1))
	switch {
	case err != nil:
		return c.cutOff(err)
	case len(raw) > c.back.MaxBytes:
		return notOfProtocol("an answer that is longer than one message may be")
	}
	m, err := wire.Parse(raw, c.back)
	switch {
	case err != nil:
		return notOfProtocol("an answer that is no JSON-RPC message")
	case m.Kind == wire.KindRequest || m.Kind == wire.KindNotification:
		return notOfProtocol("something else than the answer")
	case resp.StatusCode == http.StatusNotFound && session != "" && !methodUnknown(m):
		c.lose(session)
		return errSessionLost
	}
	if m.Kind == wire.KindError && (m.Key == "" || e.m.Key == "") {
		// The door could not tell which request it was, or whether its id is open here.
		id := e.m.ID
		if id == nil || e.m.Key == "" && c.isOpen(wire.IDKey(id)) {
			id = []byte("null")
		}
		m.Raw = append(append(append(append([]byte(`{"jsonrpc":"2.0","id":`), id...), `,"error":`...), m.Error...), '}')
		m.Key = e.m.Key
	}
	if m.Key != e.m.Key && e.m.Key != "" {
		return notOfProtocol("the answer to another request")
	}
	c.deliver(m, e)
	return nil
}

func methodUnknown(m *wire.Message) bool {
	code, _ := wire.Member(m.Error, "code")
	return string(code) == "-32601"
}

// stream passes on what the door says while a request runs, until it is answered.
func (c *connection) stream(e *errand, body io.Reader, session string) error {
	lastID, err := c.events(body, e)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF) && lastID != "" && session != "" && e.m.Era == wire.EraLegacy && c.comeBack(e, lastID):
		return nil
	case errors.Is(err, io.EOF), !errors.Is(err, errEventSize):
		return c.cutOff(err)
	}
	return notOfProtocol("an event that is longer than one message may be")
}

// events passes on the messages of a stream. It returns nil when the request e is
// answered, and the id of the last event; nil is no request.
func (c *connection) events(body io.Reader, e *errand) (lastID string, err error) {
	for events := newEventReader(body, c.back.MaxBytes); ; {
		ev, err := events.next()
		if err != nil {
			return lastID, err
		}
		if ev.id != "" {
			lastID = ev.id
		}
		if ev.retry != "" {
			c.ear.pace(ev.retry)
		}
		if len(ev.data) == 0 {
			continue
		}
		m, err := wire.Parse(ev.data, c.back)
		if err != nil {
			return lastID, notOfProtocol("an event that is no JSON-RPC message")
		}
		c.deliver(m, e)
		if e != nil && m.Key == e.m.Key && (m.Kind == wire.KindResult || m.Kind == wire.KindError) {
			return lastID, nil
		}
	}
}

// deliver hands a message of the door to the client. An answer is one only to a
// request that is open, only once, and on the stream of a request only to that one;
// nil is the stream of the session.
func (c *connection) deliver(m *wire.Message, from *errand) {
	if m.Kind == wire.KindResult || m.Kind == wire.KindError {
		switch {
		case from != nil && from.m.Key == "": // the refusal of what was no message
			if m.Kind != wire.KindError || m.Key != "" {
				return
			}
		case from != nil && from.m.Key != m.Key:
			return
		default:
			of, ok := c.settle(m.Key)
			if !ok {
				return
			}
			c.learn(of, m)
		}
	}
	unbroken(m.Raw)
	_ = c.out.send(c.life, m.Raw) // the end of the client is seen by relay
}

func (c *connection) isOpen(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[key] != nil
}

// settle takes a request off the open ones; false if it is not among them.
func (c *connection) settle(key string) (*errand, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.open[key]
	if e == nil || key == "" {
		return nil, false
	}
	delete(c.open, key)
	return e, true
}

// learn notes what later requests need of an answer.
func (c *connection) learn(e *errand, m *wire.Message) {
	ok := m.Kind == wire.KindResult
	switch {
	case e.m.Method == "initialize" && e.m.Era == wire.EraLegacy:
		v, _ := wire.Member(m.Result, "protocolVersion")
		c.mu.Lock()
		if c.version = stringOf(v); !ok { // no session has begun
			c.session = ""
		}
		c.mu.Unlock()
	case !ok:
	case e.m.Method == "tools/list" && e.m.Era == wire.EraModern:
		c.seen.see(e.m.Params, m.Result)
	}
}

// fail answers a request that the door has not answered.
func (c *connection) fail(e *errand, err error) {
	c.mu.Lock()
	quiet := e.withdrawn
	c.mu.Unlock()
	if e.m.Key != "" {
		if _, ok := c.settle(e.m.Key); !ok {
			return
		}
	}
	if quiet {
		return
	}
	if e.m.Method == "initialize" {
		err = noCall(err)
	}
	if !errors.Is(err, ostiary.CodeGatewayShutdown) {
		c.say(err)
	}
	c.refuse(e.m.ID, err)
}

// refuse answers a request with an error of this end.
func (c *connection) refuse(id []byte, err error) {
	e := ostiary.AsError(err)
	data := struct {
		Code  ostiary.Code `json:"code"`
		Stage string       `json:"stage"`
	}{e.Code, "connect"}
	_ = c.out.sendNow(wire.ErrorReply(id, wire.RPCCode(e.Code), e.Message, data)) // the end of the client is seen by relay
}

// text of a door that says in words what it refused, at most.
const doorWords = 500

// unexpected explains an answer that is none of the protocol.
func (c *connection) unexpected(resp *http.Response) error {
	said := ""
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/plain" {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, doorWords)) // what came is enough
		if said = strings.TrimSpace(strings.ToValidUTF8(string(b), "")); said != "" {
			said = ": " + said
		}
	}
	return refusedBy(resp.StatusCode, said)
}
