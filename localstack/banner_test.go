package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleReady() ready {
	return ready{
		Listen: "http://127.0.0.1:8080", AWS: "http://127.0.0.1:4566",
		App:    app{ID: "local", Key: "local-key", Secret: "local-secret"},
		Tables: map[string]string{"State": "Hark-State"},
		Queues: map[string]string{"Jobs": "http://127.0.0.1:4566/000000000000/Hark-Jobs"},
		PID:    7, took: 1234 * time.Millisecond, table: "Hark-State",
	}
}

func TestTheBannerHoldsTheTextsToPaste(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReady().writeBanner(&out, time.Unix(1700000000, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"is ready after 1.2 s",
		"\nREVERB_APP_ID=local\nREVERB_APP_KEY=local-key\nREVERB_APP_SECRET=local-secret\n" +
			"REVERB_HOST=127.0.0.1\nREVERB_PORT=8080\nREVERB_SCHEME=http\n",
		"\n    wsHost: '127.0.0.1',\n    wsPort: 8080,\n    wssPort: 8080,\n" +
			"    forceTLS: false,\n",
		".listen('.headline'",
		"\ncurl -H 'Content-Type: application/json' \\\n  -d '{\"name\":\"headline\"",
		"auth_timestamp=1700000000",
		"go run ./localstack -curl)",
		"AWS_DEFAULT_REGION=us-east-1 \\\n  aws --endpoint-url http://127.0.0.1:4566 " +
			"dynamodb scan --table-name Hark-State\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the banner does not hold %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("it has escape sequences although it is not written to a terminal")
	}
}

func TestTheBannerNamesAnotherPort(t *testing.T) {
	r := sampleReady()
	r.Listen = "http://127.0.0.1:9000"
	var out bytes.Buffer
	if err := r.writeBanner(&out, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"REVERB_PORT=9000\n", "wsPort: 9000,", "-curl -listen 127.0.0.1:9000)",
		"'http://127.0.0.1:9000/apps/local/events?",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the banner does not hold %q", want)
		}
	}
}

func TestTheJSONIsOneLineWithAllAddresses(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReady().writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"listen": "http://127.0.0.1:8080", "aws": "http://127.0.0.1:4566", "pid": 7.0,
		"app":    map[string]any{"id": "local", "key": "local-key", "secret": "local-secret"},
		"tables": map[string]any{"State": "Hark-State"},
		"queues": map[string]any{"Jobs": "http://127.0.0.1:4566/000000000000/Hark-Jobs"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ready line (-want +got):\n%s", diff)
	}
}

// The example is that of Pusher's documentation (docs/protocol.md §5.1).
func TestRequestsAreSignedAsPusherDocuments(t *testing.T) {
	a := app{ID: "3", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	const body = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	got := a.sign("POST", "/apps/3/events", body, time.Unix(1353088179, 0))
	want := "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0" +
		"&body_md5=ec365a775a4cd0599faeb73354201b6f" +
		"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestQuotesAreSafeInAShell(t *testing.T) {
	if got := quote(`it's`); got != `'it'\''s'` {
		t.Errorf("got %s", got)
	}
}
