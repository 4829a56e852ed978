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

// keys are the credentials that the functions' processes have: each its own, so that a request tells which process makes it.
// Those of a process that has ended stay, since a request of its may still be on its way. The zero value is ready.
type keys struct {
	mu   sync.RWMutex
	byID map[string]*holder
}

// holder is a process and its credentials.
type holder struct {
	aws.Credentials

	role    *iam.Role
	process faults.Process
}

// issue makes the credentials of a process that acts as the role.
func (k *keys) issue(role *iam.Role, process faults.Process) aws.Credentials {
	own := aws.Credentials{
		AccessKeyID: "ASIA" + rand.Text()[:16], SecretAccessKey: rand.Text() + rand.Text()[:14], SessionToken: rand.Text(),
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil {
		k.byID = make(map[string]*holder)
	}
	k.byID[own.AccessKeyID] = &holder{Credentials: own, role: role, process: process}
	return own
}

// holder returns whose the access key is; nil for one that was never issued, which is the account's administrator's.
func (k *keys) holder(accessKey string) *holder {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byID[accessKey]
}

// as returns the context of calls that the holder makes.
func (h *holder) as(ctx context.Context) context.Context {
	return faults.WithProcess(iam.WithRole(ctx, h.role), h.process)
}

// caller is what a request's signature says about it. Only those of @connections are checked: signature.go.
type caller struct{ accessKey, service string }

// credential reads AKID/date/region/service/aws4_request out of the Authorization header or, in a presigned URL, the
// query.
func credential(r *http.Request) caller {
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
