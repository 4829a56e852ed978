package gateway

import (
	"encoding/base64"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
)

// dispatch starts the invocation of a message's route. The invocations of one connection run
// concurrently, as on AWS, which promises no order. When maxInFlight of them run, dispatch waits,
// and the socket is not read.
func (c *conn) dispatch(message []byte) {
	select {
	case <-c.done: // the connection was closed before this message
		return
	default:
	}
	c.active.Store(c.api.opts.Now().UnixMilli())
	key, _ := c.api.selection.key(message)
	r := c.api.routes[key]
	if r == nil || r.key == routeConnect || r.key == routeDisconnect {
		r = c.api.routes[routeDefault]
	}
	if r == nil {
		c.api.count(len(message), meter.By{})
		c.fail(nil, forbidden, newID(kindRequest))
		return
	}
	c.api.count(len(message), meter.By{Operation: r.key})
	e := c.messageEvent(r.key, message)
	if !r.allow(c.api.opts.Now()) {
		c.fail(r, tooManyRequests, e.RequestContext.RequestID)
		return
	}
	select {
	case c.inFlight <- struct{}{}:
	case <-c.done:
		return
	}
	late, _ := c.api.opts.Faults.Strike(faults.Reorder, faults.Place{Connection: c.id})
	c.api.running.Go(func() {
		defer func() { <-c.inFlight }()
		c.api.hold(late.Wait)
		c.invoke(r, e)
	})
}

// invoke runs a message's function. On a two-way route it sends the client the body of the
// response.
func (c *conn) invoke(r *route, e event) {
	out, failure := c.api.invoke(r, c.id, e)
	if failure != "" {
		c.fail(r, failure, e.RequestContext.RequestID)
		return
	}
	if !r.twoWay || out.Body == "" {
		return
	}
	body := []byte(out.Body)
	if out.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(out.Body); err != nil {
			c.fail(r, internalError, e.RequestContext.RequestID)
			return
		}
	}
	if len(body) > maxMessage {
		c.fail(r, internalError, e.RequestContext.RequestID)
		return
	}
	c.send(body, r.by()) // dropped if the client has gone or does not read
}

// fail sends the client API Gateway's own error JSON (docs/aws.md §A1), in place of a response of
// route r. r is nil if the message has no route.
func (c *conn) fail(r *route, message, requestID string) {
	by := r.by()
	body := errorBody{Message: message, ConnectionID: c.id, RequestID: requestID}
	if c.send(body.encode(), by) == accepted {
		c.api.opts.Meter.Add(meter.OwnErrors, by, 1)
	}
}

// disconnected invokes $disconnect and does not wait for it. The response is dropped.
func (c *conn) disconnected(code ws.StatusCode, reason string) {
	r := c.api.routes[routeDisconnect]
	if r == nil {
		return
	}
	at := faults.Place{Connection: c.id}
	if _, lost := c.api.opts.Faults.Strike(faults.LoseDisconnect, at); lost {
		return
	}
	if !c.api.begin() {
		return
	}
	e := c.disconnectEvent(code, reason)
	go func() {
		defer c.api.running.Done()
		c.api.invoke(r, c.id, e)
	}()
}
