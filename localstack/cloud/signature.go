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

// signatures checks the Signature Version 4 of requests with the keys of a function. It signs the
// received request again with the SDK's signer and compares. Requests with other keys pass: they
// are the administrator's, and the cloud does not know that secret.
type signatures struct {
	region string
	keys   *keys
	signer *v4.Signer
	now    func() time.Time
}

// clockSkew is how far the date of a signature may be from now, before or after.
const clockSkew = 5 * time.Minute

// check returns an error if the signature of the request to the service is wrong or expired.
func (s *signatures) check(r *http.Request, service, bodySHA256 string) error {
	holder := s.keys.holder(callerOf(r).accessKey)
	if holder == nil {
		return nil
	}
	authorization := r.Header.Get("Authorization")
	signedAt, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("the request has no date that can be read in X-Amz-Date")
	}
	if age := s.now().Sub(signedAt).Abs(); age > clockSkew {
		return fmt.Errorf("signature expired: it is %s away from now", age.Round(time.Second))
	}
	resigned := signedPart(r, authorization)
	err = s.signer.SignHTTP(
		r.Context(), holder.Credentials, resigned, bodySHA256, service, s.region, signedAt)
	if err != nil {
		return fmt.Errorf("sign the request once more: %w", err)
	}
	if !hmac.Equal([]byte(resigned.Header.Get("Authorization")), []byte(authorization)) {
		return errors.New(
			"the request signature we calculated does not match the signature you provided")
	}
	return nil
}

// signedPart returns a copy of the request with only those headers that the Authorization header
// lists as signed.
func signedPart(r *http.Request, authorization string) *http.Request {
	out := &http.Request{
		Method: r.Method, Header: make(http.Header), ContentLength: r.ContentLength,
		URL: &url.URL{
			Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath,
			RawQuery: r.URL.RawQuery,
		},
	}
	_, names, _ := strings.Cut(authorization, "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	for name := range strings.SplitSeq(names, ";") {
		if v := r.Header.Values(name); len(v) > 0 {
			out.Header[http.CanonicalHeaderKey(name)] = v
		}
	}
	return out
}
