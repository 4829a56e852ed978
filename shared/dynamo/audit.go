package dynamo

import (
	"context"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// AuditPlace returns how far the audit has come (docs/steps.md §3.13).
func (s *State) AuditPlace(ctx context.Context) (state.AuditPlace, error) {
	it, err := s.get(ctx, auditKey())
	if err != nil || it == nil {
		return state.AuditPlace{}, err
	}
	return state.AuditPlace{
		Round: time.Unix(getNum(it["round"])*60, 0),
		App:   getStr(it["app"]),
		Part:  int(getNum(it["part"])),
		After: pusher.Channel(getStr(it["after"])),
	}, nil
}

// SetAuditPlace writes how far the audit has come.
func (s *State) SetAuditPlace(ctx context.Context, p state.AuditPlace, now time.Time) error {
	it := auditKey()
	it["round"] = num(p.Round.Unix() / 60)
	it["app"] = str(p.App)
	it["part"] = num(p.Part)
	it["after"] = str(string(p.After))
	it["expires"] = num(expires(now))
	_, err := s.put(ctx, it, "", nil)
	return err
}
