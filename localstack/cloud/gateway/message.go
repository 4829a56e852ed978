package gateway

import (
	"encoding/base64"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/meter"
)

// dispatch starts the invocation of a message's route. The messages of one connection run side by
// side, as on AWS, which promises no order; when maxInFlight of them run, dispatch waits, and the
// socket is not read.
func (c *conn) dispatch(message []byte) {
	select {
	case <-c.done: // it was closed, and this message came too late
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

// invoke runs a message's function and gives the client what the route lets through of its answer.
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
	c.send(body, r.by()) // a client that has gone, or does not read, goes without
}

// fail sends API Gateway's own error JSON to the client (docs/aws.md §A1), in place of an answer of
// the route, which is nil if there is none.
func (c *conn) fail(r *route, message, requestID string) {
	by := r.by()
	if c.send(
		errorBody{Message: message, ConnectionID: c.id, RequestID: requestID}.encode(), by,
	) == accepted {
		c.api.opts.Meter.Add(meter.OwnErrors, by, 1)
	}
}

// disconnected invokes $disconnect and does not wait for it. What it returns is of no consequence.
func (c *conn) disconnected(code ws.StatusCode, reason string) {
	r := c.api.routes[routeDisconnect]
	if r == nil {
		return
	}
	if _, lost := c.api.opts.Faults.Strike(
		faults.LoseDisconnect, faults.Place{Connection: c.id},
	); lost {
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
