package pusher_test

import (
	"crypto/md5" //nolint:gosec // the protocol's
	"encoding/json"
	"fmt"
	"time"

	"hark/shared/pusher"
)

// A server parses the frame that a client sent, and answers it with a frame.
func ExampleParseFrame() {
	for _, text := range []string{
		`{"event":"pusher:ping","data":{}}`,
		`{"event":"pusher:subscribe","data":{"auth":"","channel":"orders"}}`,
		`{"event":"hello"}`,
		`hello`,
	} {
		frame, err := pusher.ParseFrame([]byte(text))
		if err != nil {
			fmt.Println(err)
			continue
		}
		switch frame.Event {
		case "pusher:ping":
			fmt.Printf("%s\n", pusher.Pong())
		case "pusher:subscribe":
			data, err := frame.SubscribeData()
			fmt.Printf("%s %v\n", pusher.Succeeded(data.Channel), err)
		default:
			refusal := pusher.Errorf(pusher.CodeReconnect, "Unsupported event %s", frame.Event)
			fmt.Printf("%s\n", refusal.Frame())
		}
	}
	// Output:
	// {"event":"pusher:pong","data":"{}"}
	// {"event":"pusher_internal:subscription_succeeded","channel":"orders","data":"{}"} <nil>
	// {"event":"pusher:error","data":{"code":4200,"message":"Unsupported event hello"}}
	// Invalid message format: a frame is a JSON object with an event (4200)
}

// The first frame on a connection has its socket ID and the seconds of silence after which the
// client sends a ping. The data of most frames is a string with JSON in it.
func ExampleEstablished() {
	id := pusher.ConnectionID("L0SM9cOFvHcCIhw=").SocketID()
	frame := pusher.Established(id, 2*time.Minute)
	var sent struct{ Event, Data string }
	fmt.Println(json.Unmarshal(frame, &sent))
	fmt.Println(sent.Event)
	fmt.Println(sent.Data)
	// Output:
	// <nil>
	// pusher:connection_established
	// {"socket_id":"3406002205374135415.139804","activity_timeout":120}
}

// The app's own server signs the socket ID and the channel. The client sends the signature in its
// subscribe.
func ExampleApp_Authorize() {
	app := pusher.App{Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	auth := app.Key + ":" + app.Sign("1234.1234:private-foobar")
	fmt.Println(auth)
	fmt.Println(app.Authorize("1234.1234", "private-foobar", "", auth))
	fmt.Println(app.Authorize("1234.1234", "private-other", "", ""))
	// Output:
	// 278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4
	// <nil>
	// Auth info required to subscribe to private-other (4009)
}

// A publisher signs the method, the path and the query, which has a digest of the body.
func ExampleApp_Verify() {
	app := pusher.App{Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8"}
	now := time.Unix(1353088179, 0)
	body := `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	request := pusher.SignedRequest{
		Method: "POST", Path: "/apps/3/events", Body: []byte(body),
		RawQuery: fmt.Sprintf(
			"auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x",
			app.Key, now.Unix(), md5.Sum([]byte(body)), //nolint:gosec // as above
		),
	}
	signature := app.Sign(request.Text())
	request.RawQuery += "&auth_signature=" + signature
	fmt.Println(signature)
	fmt.Println(app.Verify(request, now))
	request.Body = []byte("{}")
	fmt.Println(app.Verify(request, now) != nil)
	// Output:
	// da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c
	// <nil>
	// true
}
