package lambda

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ScheduleSpec is an AWS::Events::Rule with a schedule, or an AWS::Scheduler::Schedule. Only rates
// are supported, and only functions as targets.
type ScheduleSpec struct {
	Name               string // required: the resource's physical name if the template has none
	GroupName          string // of a Scheduler schedule; "default" if ""
	ScheduleExpression string // rate(n minutes), hours or days
	State              string // ENABLED if ""

	Targets []ScheduleTarget // of a rule
	Target  *ScheduleTarget  // of a schedule

	EventPattern json.RawMessage // refused if set

	// Without effect.
	Description, Tags  json.RawMessage
	FlexibleTimeWindow json.RawMessage // of a schedule; invocations are always on time
}

// ScheduleTarget is a function that a schedule invokes.
type ScheduleTarget struct {
	Arn   string
	Input string // the payload; EventBridge's own event if ""

	InputPath        string          // refused if set
	InputTransformer json.RawMessage // refused if set

	// Without effect.
	Id      json.RawMessage
	RoleArn json.RawMessage // of a schedule; its permissions are not checked
}

// Schedule invokes functions asynchronously at a rate, from Start on. The first invocation comes
// after one whole period.
func (s *Service) Schedule(spec ScheduleSpec) error {
	period, err := parseRate(spec.ScheduleExpression)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", spec.Name, err)
	}
	if spec.EventPattern != nil {
		return fmt.Errorf("schedule %s: %w", spec.Name, unsupported("EventPattern"))
	}
	targets := spec.Targets
	if spec.Target != nil {
		targets = []ScheduleTarget{*spec.Target}
	}
	for _, t := range targets {
		if t.InputPath != "" || t.InputTransformer != nil {
			return fmt.Errorf(
				"schedule %s: %w", spec.Name, unsupported("InputPath or InputTransformer"),
			)
		}
		if _, err := s.function(t.Arn); err != nil {
			return fmt.Errorf("schedule %s: %w", spec.Name, err)
		}
	}
	if spec.State != "DISABLED" {
		period = time.Duration(float64(period) / s.opts.Speed)
		s.background(func() { s.runSchedule(spec, targets, period) })
	}
	return nil
}

// runSchedule invokes the targets once a period until the service closes.
func (s *Service) runSchedule(spec ScheduleSpec, targets []ScheduleTarget, period time.Duration) {
	ticker := time.NewTicker(max(period, 1))
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		for _, t := range targets {
			payload := []byte(t.Input)
			if t.Input == "" {
				payload = s.scheduledEvent(spec)
			}
			if err := s.InvokeAsync(s.ctx, t.Arn, payload); err != nil && s.ctx.Err() == nil {
				s.opts.Log.Error("schedule failed", "schedule", spec.Name, "error", err)
			}
		}
	}
}

// scheduledEvent is the event for a target without Input. EventBridge Scheduler's differs from that
// of a rule: its detail is a string.
func (s *Service) scheduledEvent(spec ScheduleSpec) []byte {
	source, resource, detail := "aws.events", "events:%s:%s:rule/"+spec.Name, any(struct{}{})
	if spec.Target != nil {
		group := spec.GroupName
		if group == "" {
			group = "default"
		}
		source, detail = "aws.scheduler", "{}"
		resource = "scheduler:%s:%s:schedule/" + group + "/" + spec.Name
	}
	return encode(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     any      `json:"detail"`
	}{
		"0", newUUID(), "Scheduled Event", source, s.opts.Account,
		s.opts.Now().UTC().Format(time.RFC3339), s.opts.Region,
		[]string{"arn:aws:" + fmt.Sprintf(resource, s.opts.Region, s.opts.Account)},
		detail,
	})
}

// parseRate reads an expression of the form rate(n unit).
func parseRate(expression string) (time.Duration, error) {
	m := regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`).FindStringSubmatch(expression)
	if m == nil {
		return 0, unsupported("ScheduleExpression " + strconv.Quote(expression))
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return 0, fmt.Errorf("a rate of %s", m[1])
	}
	unit := map[string]time.Duration{
		"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}[m[2]]
	return time.Duration(n) * unit, nil
}
