package dynamodb

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tokenLife is how long a ClientRequestToken makes a transaction idempotent.
const tokenLife = 10 * time.Minute

// tokens remembers the ClientRequestTokens of transactions that succeeded. SDKs send one with every
// transaction, so that they can repeat it after a lost answer.
type tokens struct {
	mu     sync.Mutex
	used   map[string]usedToken
	pruned time.Time
}

type usedToken struct {
	request [sha256.Size]byte
	at      time.Time
}

// wasUsed reports whether the token was used for this request. It fails if the token was used for
// another request.
func (t *tokens) wasUsed(token string, request [sha256.Size]byte, now time.Time) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.used[token]
	switch {
	case token == "" || !ok || now.Sub(u.at) > tokenLife:
		return false, nil
	case u.request != request:
		return false, &apiError{
			code: codeMismatch,
			message: "The request uses the same client token as a previous, " +
				"but non-identical request. Do not reuse a client token with different requests",
		}
	}
	return true, nil
}

// remember stores the token. Once in a tokenLife it also deletes the tokens that are older than
// that.
func (t *tokens) remember(token string, request [sha256.Size]byte, now time.Time) {
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
