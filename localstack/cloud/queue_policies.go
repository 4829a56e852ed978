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

// queuePolicyAllows reports whether a policy of the queue lets an AWS service perform the action on
// behalf of the source, which is an ARN. The only condition that it evaluates is one on
// aws:SourceArn; a statement with any other condition does not count.
func (c *Cloud) queuePolicyAllows(service, action, queueARN, sourceARN string) (bool, error) {
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
		allows := func(s queueStatement) bool {
			return s.Effect == "Allow" && s.hasPrincipal(service) && s.conditionHolds(sourceARN) &&
				matchesAny(s.Action, action) && matchesAny(s.Resource, queueARN)
		}
		if c.includesQueue(policy.Queues, queueARN) &&
			slices.ContainsFunc(policy.PolicyDocument.Statement, allows) {
			return true, nil
		}
	}
	return false, nil
}

// includesQueue reports whether one of the URLs is that of the queue.
func (c *Cloud) includesQueue(urls []string, queueARN string) bool {
	isIncluded := func(queue template.Resource) bool {
		return queue.Attributes["Arn"] == queueARN && slices.Contains(urls, queue.ID)
	}
	return slices.ContainsFunc(c.stack.OfType("AWS::SQS::Queue"), isIncluded)
}

// hasPrincipal reports whether the service is a principal of the statement.
func (s queueStatement) hasPrincipal(service string) bool {
	var principal struct{ Service oneOrMore[string] }
	return json.Unmarshal(s.Principal, &principal) == nil &&
		slices.Contains(principal.Service, service)
}

// conditionHolds reports whether the statement has no condition, or only conditions on
// aws:SourceArn that the source fulfils.
func (s queueStatement) conditionHolds(sourceARN string) bool {
	known := []string{"ArnEquals", "ArnLike", "StringEquals", "StringLike"}
	for operator, values := range s.Condition {
		for key, arns := range values {
			if key != "aws:SourceArn" || !slices.Contains(known, operator) ||
				!matchesAny(arns, sourceARN) {
				return false
			}
		}
	}
	return true
}

// matchesAny reports whether the text matches one of the patterns.
func matchesAny(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return wildcard.Match(p, s) })
}
