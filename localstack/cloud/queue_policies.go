package cloud

import (
	"encoding/json"
	"slices"

	"hark/localstack/cloud/template"
	"hark/localstack/cloud/wildcard"
)

// queueStatement is a statement of a queue's policy.
type queueStatement struct {
	Sid, Effect      string
	Principal        json.RawMessage
	Action, Resource oneOrMore[string]
	Condition        map[string]map[string]oneOrMore[string] // by operator and key
}

// letsIn reports whether the policies of the stack's queues let an AWS service do an action to a queue on behalf of the source,
// which is an ARN. A statement counts if it allows just that: the local cloud knows no condition but that on the source.
func (c *Cloud) letsIn(service, action, queueARN, sourceARN string) (bool, error) {
	for _, res := range c.stack.OfType("AWS::SQS::QueuePolicy") {
		var policy struct {
			PolicyDocument struct {
				Version   string
				Statement oneOrMore[queueStatement]
			}
			Queues []string // URLs
		}
		if err := res.Decode(&policy); err != nil {
			return false, err
		}
		if c.isAmong(policy.Queues, queueARN) && slices.ContainsFunc(policy.PolicyDocument.Statement, func(s queueStatement) bool {
			return s.Effect == "Allow" && s.isFor(service) && s.holds(sourceARN) &&
				matchesAny(s.Action, action) && matchesAny(s.Resource, queueARN)
		}) {
			return true, nil
		}
	}
	return false, nil
}

// isAmong reports whether one of the URLs is the queue's.
func (c *Cloud) isAmong(urls []string, queueARN string) bool {
	return slices.ContainsFunc(c.stack.OfType("AWS::SQS::Queue"), func(queue template.Resource) bool {
		return queue.Attributes["Arn"] == queueARN && slices.Contains(urls, queue.ID)
	})
}

func (s queueStatement) isFor(service string) bool {
	var principal struct{ Service oneOrMore[string] }
	return json.Unmarshal(s.Principal, &principal) == nil && slices.Contains(principal.Service, service)
}

// holds reports whether the statement's condition holds for the source.
func (s queueStatement) holds(sourceARN string) bool {
	for operator, values := range s.Condition {
		for key, arns := range values {
			known := slices.Contains([]string{"ArnEquals", "ArnLike", "StringEquals", "StringLike"}, operator) && key == "aws:SourceArn"
			if !known || !matchesAny(arns, sourceARN) {
				return false
			}
		}
	}
	return true
}

func matchesAny(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return wildcard.Match(p, s) })
}
