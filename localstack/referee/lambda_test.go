package referee_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func escape(s string) string { return url.QueryEscape(s) }

// request sends a request to the function URL.
func (c *cloud) request(
	t *testing.T, method, pathAndQuery string, header http.Header, body string,
) (*http.Response, string) {
	t.Helper()
	id, _, _ := strings.Cut(c.outputs["Url"], ".")
	r, err := http.NewRequestWithContext(t.Context(), method,
		c.endpoint+"/_aws/lambda-url/"+id+pathAndQuery, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestEventsOfAFunctionURL(t *testing.T) {
	volatile := []string{
		"accountId", "apiId", "domainName", "domainPrefix", "requestId", "time", "timeEpoch",
		"sourceIp", "userAgent", "host", "user-agent",
		"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto",
		"content-length", "accept-encoding",
	}
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		seen := func(name, method, path string, header http.Header, body string) {
			mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
			if header == nil {
				header = http.Header{}
			}
			header.Set("X-Mark", mark)
			c.request(t, method, path, header, body)
			event := c.recorded(t, mark, 1)[0]
			if headers, ok := event["headers"].(map[string]any); ok {
				// headers of the test and of TLS
				for _, name := range []string{
					"x-mark", "x-amzn-tls-version", "x-amzn-tls-cipher-suite",
				} {
					delete(headers, name)
				}
			}
			f.add(name, event, volatile...)
		}
		seen("GET", http.MethodGet,
			"/apps/local/channels?info=user_count&b=1&b=2&empty=&flag&escaped=a%20b%2Bc+d",
			http.Header{"Cookie": {"a=1; b=2"}, "X-Many": {"one", "two"}}, "")
		seen("POST of JSON", http.MethodPost, "/apps/local/events",
			http.Header{"Content-Type": {"application/json"}}, `{"name":"ä€😀"}`)
		seen("POST of a form", http.MethodPost, "/",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "a=1&b=2")
		seen("POST of bytes", http.MethodPost, "/bytes",
			http.Header{"Content-Type": {"application/octet-stream"}}, "\x00\xff\xfe")
		seen("POST without a type", http.MethodPost, "/", nil, "plain")
		seen("an escaped path", http.MethodGet, "/a%20b/c%2Fd/e+f", nil, "")
		seen("a path with two slashes", http.MethodGet, "//a//b", nil, "")
		return f
	})
}

func TestAnswersOfAFunctionURL(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		for name, wish := range map[string]string{
			"status, headers, body": `{"answer":{"statusCode":201,` +
				`"headers":{"Content-Type":"text/x","X-One":"1"},"body":"made"}}`,
			"cookies": `{"answer":{"statusCode":200,` +
				`"cookies":["a=1","b=2; Secure"],"body":"x"}}`,
			"base64": `{"answer":{"statusCode":200,"body":"` +
				base64.StdEncoding.EncodeToString([]byte("\x00\x01")) +
				`","isBase64Encoded":true}}`,
			"no body":                  `{"answer":{"statusCode":204}}`,
			"an object without status": `{"answer":{"hello":1}}`,
			"text":                     `{"answer":"text"}`,
			"a number":                 `{"answer":7}`,
			"a list":                   `{"answer":[1,2]}`,
			"a redirect": `{"answer":{"statusCode":302,` +
				`"headers":{"Location":"/x"}}}`,
			"a status that is no status": `{"answer":{"statusCode":"abc"}}`,
			"a status as text":           `{"answer":{"statusCode":"202","body":"x"}}`,
			"the function fails":         `{"fail":true}`,
			"the function takes long":    `{"holdMs":6000}`,
		} {
			answer, body := c.request(t, http.MethodPost, "/",
				http.Header{"Content-Type": {"application/json"}}, wish)
			f[name+": status"] = status(answer, nil)
			f[name+": body"] = canonical(body)
			f[name+": type"] = answer.Header.Get("Content-Type")
			f[name+": cookies"] = strings.Join(answer.Header.Values("Set-Cookie"), " | ")
			f[name+": other headers"] = answer.Header.Get("X-One") + answer.Header.Get("Location")
		}
		return f
	})
}

func TestInvoke(t *testing.T) {
	compare(t, func(t *testing.T, c *cloud) facts {
		f := facts{}
		invoke := func(name string, kind types.InvocationType, function, payload string) {
			out, err := c.functions.Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String(function), InvocationType: kind, Payload: []byte(payload),
			})
			f[name] = call(err)
			if err != nil {
				return
			}
			f[name+": status"] = fmt.Sprint(out.StatusCode)
			f[name+": error"] = aws.ToString(out.FunctionError)
			f[name+": version"] = aws.ToString(out.ExecutedVersion)
			var failure map[string]any
			if out.FunctionError != nil && json.Unmarshal(out.Payload, &failure) == nil {
				message, ok := failure["errorMessage"].(string)
				if ok && strings.Contains(message, "RequestId: ") {
					_, failure["errorMessage"], _ = strings.Cut(message, " Error: ")
				}
				f.add(name+": payload", failure)
				return
			}
			f[name+": payload"] = canonical(string(out.Payload))
		}
		function := c.outputs["Function"]
		invoke("an answer", types.InvocationTypeRequestResponse, function,
			`{"wish":{"answer":{"a":[1,"ä"]}}}`)
		invoke("by its ARN", types.InvocationTypeRequestResponse,
			"arn:aws:lambda:us-east-1:000000000000:function:"+function, `{}`)
		invoke("$LATEST", types.InvocationTypeRequestResponse, function+":$LATEST", `{}`)
		invoke("a failure", types.InvocationTypeRequestResponse, function, `{"wish":{"fail":true}}`)
		invoke("too long", types.InvocationTypeRequestResponse, function,
			`{"wish":{"holdMs":6000}}`)
		invoke("nobody", types.InvocationTypeRequestResponse, function+"-not", `{}`)
		invoke("no JSON", types.InvocationTypeRequestResponse, function, `not JSON`)
		invoke("an event without JSON", types.InvocationTypeEvent, function, `not JSON`)
		invoke("a try", types.InvocationTypeDryRun, function, `{}`)

		mark := fmt.Sprintf("mark-%d", time.Now().UnixNano())
		invoke("an event", types.InvocationTypeEvent, function, `{"mark":"`+mark+`"}`)
		f.add("what it gets", c.recorded(t, mark, 1)[0], "mark")
		invoke("an event that fails", types.InvocationTypeEvent, function,
			`{"mark":"`+mark+`2","wish":{"fail":true}}`)
		c.recorded(t, mark+"2", 1)
		// AWS tries again after a minute
		f["again within 5 s"] = fmt.Sprint(len(c.take(t, mark+"2", 5*time.Second)))
		return f
	})
}
