package apigw_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestRequestsAreSigned(t *testing.T) {
	g := newGateway(t, 200)
	checked := 0
	g.check = func(r *http.Request, body []byte) { authentic(t, r, body); checked++ }
	c := client(t, g.URL+"/prod", long)
	for _, frame := range []string{"", "{}", strings.Repeat("x", 32<<10)} {
		if err := c.Post(t.Context(), connection, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Alive(t.Context(), connection); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context(), connection); err != nil || checked != 5 {
		t.Errorf("%v, %d checked", err, checked)
	}
}

// authentic checks the signature (version 4) of a request as it was received. It follows AWS's
// description and not the SDK. The path is encoded once more for the canonical request, so the = of
// an ID is signed as %253D.
func authentic(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	var credential, names, signature string
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for field := range strings.SplitSeq(auth, ", ") {
		k, v, _ := strings.Cut(field, "=")
		switch k {
		case "Credential":
			credential = v
		case "SignedHeaders":
			names = v
		case "Signature":
			signature = v
		}
	}
	at := r.Header.Get("X-Amz-Date")
	if !ok || len(at) != len("20060102T150405Z") || !strings.Contains(names, "host;") {
		t.Errorf("authorization %q at %q", r.Header.Get("Authorization"), at)
		return
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(names, ";") {
		v := r.Header.Get(name)
		switch name {
		case "host":
			v = r.Host
		case "content-length":
			v = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, v)
	}
	path := strings.NewReplacer("%", "%25", "@", "%40").Replace(r.URL.EscapedPath())
	canonical := strings.Join([]string{
		r.Method, path, r.URL.RawQuery, headers.String(), names, hash(body),
	}, "\n")
	scope := strings.Join([]string{at[:8], region, "execute-api", "aws4_request"}, "/")
	key := []byte("AWS4" + secretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signed := "AWS4-HMAC-SHA256\n" + at + "\n" + scope + "\n" + hash([]byte(canonical))
	want := hex.EncodeToString(mac(key, signed))
	if credential != "AKIDEXAMPLE/"+scope || signature != want {
		t.Errorf("%s %s: credential %s, signature %s, want %s",
			r.Method, r.RequestURI, credential, signature, want)
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
