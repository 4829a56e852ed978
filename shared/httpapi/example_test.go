package httpapi_test

import (
	"context"
	"crypto/md5" //nolint:gosec // the protocol's
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"hark/shared/httpapi"
	"hark/shared/pusher"
	"hark/shared/settings"
	"hark/shared/state"
)

// printer is a Publisher that prints the frames of events.
type printer struct{}

func (printer) Publish(_ context.Context, messages ...state.Broadcast) error {
	for _, m := range messages {
		if e, ok := m.(state.Event); ok {
			fmt.Printf("publish to %s: %s\n", e.Channel, e.Frame)
		}
	}
	return nil
}

// A publisher signs its request. The API verifies it, publishes the event and answers {}.
func ExampleAPI_Handler() {
	now := time.Unix(1353088179, 0)
	app := pusher.App{
		ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8",
		Settings: settings.Default(),
	}
	api := httpapi.API{
		Apps: apps{"3": app}, Publisher: printer{},
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}

	body := `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	query := fmt.Sprintf(
		"auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x",
		app.Key, now.Unix(), md5.Sum([]byte(body)), //nolint:gosec // as above
	)
	query += "&auth_signature=" + app.Sign("POST\n/apps/3/events\n"+query)
	target := "/apps/3/events?" + query
	request := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	answer := httptest.NewRecorder()
	api.Handler().ServeHTTP(answer, request)

	fmt.Println(answer.Code, answer.Body)
	// Output:
	// publish to project-3: {"event":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}
	// 200 {}
}
