package cloud

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"hark/localstack/cloud/faults"
	"hark/localstack/cloud/iam"
)

// keys are the credentials of the functions' processes. Each process has its own, so that the
// access key of a request identifies the process that makes it. The credentials of a process that
// has ended stay valid, because a request of that process may still arrive. The zero value is ready
// for use.
type keys struct {
	mu   sync.RWMutex
	byID map[string]*holder // by access key ID
}

// holder is a process and its credentials.
type holder struct {
	aws.Credentials

	role    *iam.Role
	process faults.Process
}

// issue makes the credentials of a process that acts as the role.
func (k *keys) issue(role *iam.Role, process faults.Process) aws.Credentials {
	credentials := aws.Credentials{
		AccessKeyID:     "ASIA" + rand.Text()[:16],
		SecretAccessKey: rand.Text() + rand.Text()[:14],
		SessionToken:    rand.Text(),
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = make(map[string]*holder)
	}
	k.byID[credentials.AccessKeyID] = &holder{
		Credentials: credentials, role: role, process: process,
	}
	return credentials
}

// holder returns the process that has the access key. It returns nil for a key that was never
// issued: such a key is the account administrator's.
func (k *keys) holder(accessKey string) *holder {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byID[accessKey]
}

// withCaller returns the context of a call that the process makes.
func (h *holder) withCaller(ctx context.Context) context.Context {
	return faults.WithProcess(iam.WithRole(ctx, h.role), h.process)
}

// caller is what the signature of a request says about its caller. Only signatures of requests to
// @connections are checked (signature.go).
type caller struct{ accessKey, service string }

// callerOf reads the credential of a request, {access key}/{date}/{region}/{service}/aws4_request,
// from the Authorization header or, for a presigned URL, from the query.
func callerOf(r *http.Request) caller {
	_, scope, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if found {
		scope, _, _ = strings.Cut(scope, ",")
	} else {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(scope, "/")
	if len(parts) != 5 {
		return caller{accessKey: parts[0]}
	}
	return caller{accessKey: parts[0], service: parts[3]}
}
