package dynamodb

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tokenLife is how long a ClientRequestToken makes a transaction idempotent.
const tokenLife = 10 * time.Minute

// tokens remembers the ClientRequestTokens of transactions that were done. SDKs send one with every transaction, so that
// they can repeat it when the answer was lost.
type tokens struct {
	mu     sync.Mutex
	used   map[string]usedToken
	pruned time.Time
}

type usedToken struct {
	request [sha256.Size]byte
	at      time.Time
}

// seen reports whether the token was used for this request. One used for another request is an error.
func (t *tokens) seen(token string, request [sha256.Size]byte, now time.Time) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.used[token]
	switch {
	case token == "" || !ok || now.Sub(u.at) > tokenLife:
		return false, nil
	case u.request != request:
		return false, &apiError{code: codeMismatch, message: "The request uses the same client token as a previous, " +
			"but non-identical request. Do not reuse a client token with different requests"}
	}
	return true, nil
}

// done remembers the token, and now and then forgets the old ones.
func (t *tokens) done(token string, request [sha256.Size]byte, now time.Time) {
	if token == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used == nil || now.Sub(t.pruned) > tokenLife {
		for k, u := range t.used {
			if now.Sub(u.at) > tokenLife {
				delete(t.used, k)
			}
		}
		if t.used == nil {
			t.used = make(map[string]usedToken)
		}
		t.pruned = now
	}
	t.used[token] = usedToken{request: request, at: now}
}
