package cloud

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signatures checks Signature Version 4 of requests that are made with a function's keys, by signing what was received once more
// with the SDK's signer. Requests with other keys pass: they are the administrator's, whose secret nobody here knows.
type signatures struct {
	region string
	keys   *keys
	signer *v4.Signer
	now    func() time.Time
}

// clockSkew is how old, or how far ahead, a signature may be.
const clockSkew = 5 * time.Minute

// check returns why the request to the service is not accepted.
func (s *signatures) check(r *http.Request, service, bodySHA256 string) error {
	holder := s.keys.holder(credential(r).accessKey)
	if holder == nil {
		return nil
	}
	given := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("the request has no date that can be read in X-Amz-Date")
	}
	if age := s.now().Sub(at).Abs(); age > clockSkew {
		return fmt.Errorf("signature expired: it is %s away from now", age.Round(time.Second))
	}
	again := &http.Request{
		Method: r.Method, Header: make(http.Header), ContentLength: r.ContentLength,
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
	}
	_, names, _ := strings.Cut(given, "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	for name := range strings.SplitSeq(names, ";") {
		if v := r.Header.Values(name); len(v) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = v
		}
	}
	if err := s.signer.SignHTTP(r.Context(), holder.Credentials, again, bodySHA256, service, s.region, at); err != nil {
		return fmt.Errorf("sign the request once more: %w", err)
	}
	if !hmac.Equal([]byte(again.Header.Get("Authorization")), []byte(given)) {
		return errors.New("the request signature we calculated does not match the signature you provided")
	}
	return nil
}
