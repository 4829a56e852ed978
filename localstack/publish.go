package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// sampleBody is the event that the banner's curl command publishes and its Echo snippet listens to.
const sampleBody = `{"name":"headline","channel":"news","data":"{\"title\":\"Rain\"}"}`

// curl returns a shell command that publishes the sample event to the host. Its signature is valid
// for ten minutes from now.
func curl(host string, a app, now time.Time) string {
	path := "/apps/" + a.ID + "/events"
	return strings.Join([]string{
		"curl -H 'Content-Type: application/json' \\",
		"  -d " + quote(sampleBody) + " \\",
		"  " + quote(host+path+"?"+a.sign("POST", path, sampleBody, now)),
	}, "\n")
}

// sign returns the query string that signs a request of the app (docs/protocol.md §5.1).
func (a app) sign(method, path, body string, now time.Time) string {
	query := fmt.Sprintf("auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x",
		a.Key, now.Unix(), md5.Sum([]byte(body)))
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(method + "\n" + path + "\n" + query))
	return fmt.Sprintf("%s&auth_signature=%x", query, mac.Sum(nil))
}

// quote makes a text a single argument of a shell command.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
