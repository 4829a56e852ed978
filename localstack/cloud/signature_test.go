package cloud

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func TestSignaturesOfFunctionsAreChecked(t *testing.T) {
	const hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
	const address = "http://127.0.0.1:4566/v1/@connections/L0SM9cOFvHcCIhw%3D"
	now := time.UnixMilli(1_795_521_600_000)
	var keys keys
	issued := keys.issue(nil, nil)
	s := signatures{
		region: "us-east-1", keys: &keys, signer: v4.NewSigner(),
		now: func() time.Time { return now },
	}
	guessed := issued
	guessed.SecretAccessKey = "guess"
	for _, c := range []struct {
		name   string
		creds  aws.Credentials
		hash   string
		age    time.Duration
		tamper func(*http.Request)
		want   string
	}{
		{name: "a right one passes", creds: issued},
		{name: "another secret", creds: guessed, want: "does not match"},
		{
			name: "another body", creds: issued, hash: strings.Repeat("0", 64),
			want: "does not match",
		},
		{name: "another path", creds: issued, tamper: func(r *http.Request) {
			r.URL.Path, r.URL.RawPath = "/v1/@connections/other=", ""
		}, want: "does not match"},
		{name: "an old one", creds: issued, age: 6 * time.Minute, want: "signature expired"},
		{name: "an unreadable date", creds: issued, tamper: func(r *http.Request) {
			r.Header.Set("X-Amz-Date", "today")
		}, want: "X-Amz-Date"},
		{
			name:  "a key that was not issued passes: it is the administrator's",
			creds: aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "any"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(
				t.Context(), http.MethodPost, address, strings.NewReader("foo"))
			if c.hash == "" {
				c.hash = hash
			}
			err := v4.NewSigner().SignHTTP(
				t.Context(), c.creds, r, c.hash, "execute-api", "us-east-1", now.Add(-c.age))
			if err != nil {
				t.Fatal(err)
			}
			if c.tamper != nil {
				c.tamper(r)
			}
			err = s.check(r, "execute-api", hash)
			if c.want == "" && err != nil ||
				c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
