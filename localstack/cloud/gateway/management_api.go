package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

// connectionsPrefix is the path in front of {api}/{stage}/@connections/{id}.
const connectionsPrefix = "/_aws/execute-api/"

// The reason that $disconnect gets after DELETE, as recorded in public logs.
const closedNormally = "Connection Closed Normally"

// ServeConnections serves /_aws/execute-api/{api}/{stage}/@connections/{id}, the management API of
// docs/aws.md §A5: POST sends the body to the client, GET describes the connection, DELETE closes
// it.
//
//	200, 204  done; a post is in the connection's buffer, behind those answered before
//	400       the ID is not well-formed
//	403       no such stage, not authorized (iam), or badly signed (Options.Verify)
//	410       no connection has the ID now; a new one gets it when $connect has returned.
//	          The body is empty
//	413       the body has more than 128 KB
//	429       the connection's buffer is full: the client reads too slowly
func (s *Service) ServeConnections(w http.ResponseWriter, r *http.Request) {
	apiID, stage, id, ok := splitConnectionPath(r.URL.Path)
	a := s.api(apiID)
	if !ok || a == nil {
		refuse(w, http.StatusForbidden, "ForbiddenException", errorBody{Message: forbidden})
		return
	}
	resource := "arn:aws:execute-api:" + s.opts.Region + ":" + s.opts.Account + ":" +
		apiID + "/" + stage + "/" + r.Method + "/@connections/" + id
	if err := iam.Check(r.Context(), "execute-api:ManageConnections", resource); err != nil {
		refuse(w, http.StatusForbidden, "AccessDeniedException", errorBody{Message: err.Error()})
		return
	}
	body := s.bodies.Get().(*bytes.Buffer)
	defer func() {
		body.Reset()
		s.bodies.Put(body)
	}()
	tooLarge, err := readBody(body, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", errorBody{Message: "Bad Request"})
		return
	}
	if err := s.verify(r, body.Bytes()); err != nil {
		refuse(
			w, http.StatusForbidden, "InvalidSignatureException", errorBody{Message: err.Error()},
		)
		return
	}
	if stage != a.stage {
		refuse(w, http.StatusForbidden, "ForbiddenException", errorBody{Message: forbidden})
		return
	}
	at := faults.Place{Service: faults.Connections, Operation: operation(r.Method), Connection: id}
	s.opts.Faults.Serve(w, r, at, refuseByFault, func(w http.ResponseWriter, r *http.Request) {
		s.serveConnection(w, r, a, id, body.Bytes(), tooLarge)
	})
}

func (s *Service) serveConnection(
	w http.ResponseWriter, r *http.Request, a *api, id string, body []byte, tooLarge bool,
) {
	found, _ := s.conns.Load(id)
	c, _ := found.(*conn)
	switch {
	case c == nil && !wellFormed(id):
		refuse(w, http.StatusBadRequest, "BadRequestException",
			errorBody{
				Message:      "Invalid connectionId: " + id,
				ConnectionID: id,
				RequestID:    newID(kindRequest),
			})
	case c == nil || c.api != a || s.goneByFault(r, id):
		refuseGone(w)
	case r.Method == http.MethodPost:
		c.post(w, r, body, tooLarge)
	case r.Method == http.MethodGet:
		c.describe(w)
	case r.Method == http.MethodDelete:
		c.close(ws.StatusNormalClosure, closedNormally)
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusForbidden, "ForbiddenException", errorBody{Message: forbidden})
	}
}

// post sends a message to the client.
func (c *conn) post(w http.ResponseWriter, r *http.Request, message []byte, tooLarge bool) {
	refused := errorBody{ConnectionID: c.id}
	if tooLarge {
		refused.Message, refused.RequestID = "Message too long", newID(kindRequest)
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException", refused)
		return
	}
	by := meter.By{Function: iam.Caller(r.Context()), Operation: faults.PostToConnection}
	switch c.send(message, by) {
	case accepted:
		w.WriteHeader(http.StatusOK)
	case gone:
		refuseGone(w)
	case full:
		refused.Message, refused.RequestID = "Socket buffer is full", newID(kindRequest)
		refuse(w, http.StatusTooManyRequests, "LimitExceededException", refused)
	}
}

// describe answers GetConnection.
func (c *conn) describe(w http.ResponseWriter) {
	const layout = "2006-01-02T15:04:05.000Z"
	out, err := json.Marshal(struct {
		ConnectedAt  string   `json:"connectedAt"`
		Identity     identity `json:"identity"`
		LastActiveAt string   `json:"lastActiveAt"`
	}{
		c.connectedAt.UTC().Format(layout),
		c.identity,
		time.UnixMilli(c.active.Load()).UTC().Format(layout),
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "", errorBody{Message: internalError})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // an error means that the caller has gone
}

// refuseGone answers 410 as API Gateway does: without a body. SDKs find the error's name in the
// header.
func refuseGone(w http.ResponseWriter) { refuse(w, http.StatusGone, "GoneException", errorBody{}) }

// verify checks the request's signature, if Options.Verify is set.
func (s *Service) verify(r *http.Request, body []byte) error {
	if s.opts.Verify == nil {
		return nil
	}
	sum := sha256.Sum256(body)
	return s.opts.Verify(r, hex.EncodeToString(sum[:]))
}

// readBody reads the body up to the longest message. tooLarge means that the body is longer.
func readBody(b *bytes.Buffer, r *http.Request) (tooLarge bool, err error) {
	if r.ContentLength == 0 {
		return false, nil
	}
	limited := io.LimitedReader{R: r.Body, N: maxMessage + 1}
	if _, err := b.ReadFrom(&limited); err != nil {
		return false, errors.New("body cannot be read")
	}
	return b.Len() > maxMessage, nil
}

func newBody() any { return new(bytes.Buffer) }

// splitConnectionPath splits an unescaped path. IDs may have any form, since API Gateway promises
// none.
func splitConnectionPath(path string) (apiID, stage, id string, ok bool) {
	rest, ok := strings.CutPrefix(path, connectionsPrefix)
	if !ok {
		return "", "", "", false
	}
	if apiID, rest, ok = strings.Cut(rest, "/"); !ok {
		return "", "", "", false
	}
	if stage, rest, ok = strings.Cut(rest, "/"); !ok {
		return "", "", "", false
	}
	id, ok = strings.CutPrefix(rest, "@connections/")
	return apiID, stage, id, ok && id != ""
}
