package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/gobwas/ws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

// operation is the SDKs' name for a call of @connections; empty if they have none.
func operation(method string) string {
	switch method {
	case http.MethodPost:
		return faults.PostToConnection
	case http.MethodGet:
		return faults.GetConnection
	case http.MethodDelete:
		return faults.DeleteConnection
	}
	return ""
}

// goneByFault reports whether a fault answers 410 to a POST or GET of a living connection
// (docs/aws.md §A5).
func (s *Service) goneByFault(r *http.Request, id string) bool {
	if r.Method == http.MethodDelete {
		return false
	}
	_, gone := s.opts.Faults.Strike(faults.Gone, faults.Place{
		Service:    faults.Connections,
		Operation:  operation(r.Method),
		Function:   iam.Caller(r.Context()),
		Connection: id,
	})
	return gone
}

// refuseByFault answers a call of @connections with status, in the form in which API Gateway
// throttles or fails.
func refuseByFault(w http.ResponseWriter, status int) {
	body := errorBody{Message: internalError, RequestID: newID(kindRequest)}
	if status == http.StatusTooManyRequests {
		body.Message = tooManyRequests
		refuse(w, status, "LimitExceededException", body)
		return
	}
	refuse(w, status, "InternalServerErrorException", body)
}

// hold waits for d, or until the service closes.
func (s *Service) hold(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

// cut closes the connections for which strike reports true, oldest first, as API Gateway does after
// two hours.
func (s *Service) cut(strike func(connection string) bool) {
	var open []*conn
	for _, c := range s.conns.Range {
		open = append(open, c.(*conn))
	}
	slices.SortFunc(open, func(a, b *conn) int {
		return cmp.Or(a.connectedAt.Compare(b.connectedAt), cmp.Compare(a.id, b.id))
	})
	for _, c := range open {
		if strike(c.id) {
			c.close(ws.StatusGoingAway, goingAway)
		}
	}
}
