package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxMessage is the maximum size in bytes of a message, and of all messages of a batch together
// (docs/aws.md §C).
const maxMessage = 1 << 20

// QueueSpec is an AWS::SQS::Queue. Its JSON names are CloudFormation's. A nil number means AWS's
// default.
type QueueSpec struct {
	// QueueName is 1 to 80 of A-Z a-z 0-9 - _. It ends with .fifo if and only if FifoQueue.
	QueueName                 string
	FifoQueue                 bool `json:",omitempty"`
	ContentBasedDeduplication bool `json:",omitempty"` // FIFO only
	// DeduplicationScope is queue (default) or messageGroup. FIFO only.
	DeduplicationScope string `json:",omitempty"`
	// FifoThroughputLimit is perQueue (default) or perMessageGroupId. FIFO only.
	FifoThroughputLimit string `json:",omitempty"`
	DelaySeconds        *int   `json:",omitempty"` // 0 to 900; default 0
	// MaximumMessageSize is in bytes, 1,024 to 1,048,576; default 1,048,576.
	MaximumMessageSize *int `json:",omitempty"`
	// MessageRetentionPeriod is in seconds, 60 to 1,209,600; default 345,600 (4 days).
	MessageRetentionPeriod        *int `json:",omitempty"`
	ReceiveMessageWaitTimeSeconds *int `json:",omitempty"` // 0 to 20; default 0
	// VisibilityTimeout is in seconds, 0 to 43,200; default 30.
	VisibilityTimeout  *int            `json:",omitempty"`
	RedrivePolicy      *RedrivePolicy  `json:",omitempty"`
	RedriveAllowPolicy json.RawMessage `json:",omitempty"` // reported, not enforced

	// Without effect: encryption, and tags.
	KmsMasterKeyId               json.RawMessage `json:",omitempty"`
	KmsDataKeyReusePeriodSeconds json.RawMessage `json:",omitempty"`
	SqsManagedSseEnabled         json.RawMessage `json:",omitempty"`
	Tags                         json.RawMessage `json:",omitempty"`
}

// RedrivePolicy moves a message to another queue after MaxReceiveCount receives instead of
// delivering it again.
type RedrivePolicy struct {
	DeadLetterTargetARN string `json:"deadLetterTargetArn"` // a queue of the same kind
	MaxReceiveCount     int    `json:"maxReceiveCount"`     // 1 to 1,000
}

// settings is a checked QueueSpec with its defaults filled in. It never changes.
type settings struct {
	name, arn        string
	fifo             bool
	contentDedup     bool
	groupDedup       bool // DeduplicationScope is messageGroup
	throughput       string
	maxSize          int
	delay            time.Duration
	retention        time.Duration
	wait             time.Duration
	visibility       time.Duration
	redrive          *RedrivePolicy
	redriveAllowance string
}

func (spec QueueSpec) settings() (settings, error) {
	cfg := settings{
		name: spec.QueueName, fifo: spec.FifoQueue, contentDedup: spec.ContentBasedDeduplication,
		groupDedup: spec.DeduplicationScope == "messageGroup", throughput: spec.FifoThroughputLimit,
		redrive: spec.RedrivePolicy, redriveAllowance: string(spec.RedriveAllowPolicy),
	}
	if cfg.fifo && cfg.throughput == "" {
		cfg.throughput = "perQueue"
	}
	var errs []error
	seconds := func(property string, v *int, preset, low, high int) time.Duration {
		return time.Duration(number(&errs, property, v, preset, low, high)) * time.Second
	}
	cfg.delay = seconds("DelaySeconds", spec.DelaySeconds, 0, 0, 900)
	cfg.retention = seconds(
		"MessageRetentionPeriod", spec.MessageRetentionPeriod, 345_600, 60, 1_209_600,
	)
	cfg.wait = seconds(
		"ReceiveMessageWaitTimeSeconds", spec.ReceiveMessageWaitTimeSeconds, 0, 0, 20,
	)
	cfg.visibility = seconds("VisibilityTimeout", spec.VisibilityTimeout, 30, 0, 43_200)
	cfg.maxSize = number(
		&errs, "MaximumMessageSize", spec.MaximumMessageSize, maxMessage, 1024, maxMessage,
	)
	errs = append(errs, spec.checkName(), spec.checkFIFO(), spec.checkRedrive())
	return cfg, errors.Join(errs...)
}

// number returns *v, or the preset if v is nil. It adds an error if *v is out of range.
func number(errs *[]error, property string, v *int, preset, low, high int) int {
	if v == nil {
		return preset
	}
	if *v < low || *v > high {
		*errs = append(
			*errs, fmt.Errorf("%s is %d, must be from %d to %d", property, *v, low, high),
		)
	}
	return *v
}

func (spec QueueSpec) checkName() error {
	base, fifo := strings.CutSuffix(spec.QueueName, ".fifo")
	switch {
	case len(spec.QueueName) > 80 || !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(base):
		return errors.New("QueueName must be 1 to 80 letters, digits, hyphens and underscores")
	case fifo && !spec.FifoQueue:
		return errors.New("only the name of a FIFO queue may end with .fifo")
	case !fifo && spec.FifoQueue:
		return errors.New("the name of a FIFO queue must end with .fifo")
	}
	return nil
}

func (spec QueueSpec) checkFIFO() error {
	scope, limit := spec.DeduplicationScope, spec.FifoThroughputLimit
	switch {
	case !spec.FifoQueue && (spec.ContentBasedDeduplication || scope != "" || limit != ""):
		return errors.New(
			"ContentBasedDeduplication, DeduplicationScope and FifoThroughputLimit need " +
				"a FIFO queue",
		)
	case scope != "" && scope != "queue" && scope != "messageGroup":
		return fmt.Errorf("DeduplicationScope is %q, must be queue or messageGroup", scope)
	case limit != "" && limit != "perQueue" && limit != "perMessageGroupId":
		return fmt.Errorf("FifoThroughputLimit is %q, must be perQueue or perMessageGroupId", limit)
	case limit == "perMessageGroupId" && scope != "messageGroup":
		return errors.New(
			"FifoThroughputLimit perMessageGroupId needs DeduplicationScope messageGroup",
		)
	}
	return nil
}

func (spec QueueSpec) checkRedrive() error {
	policy := spec.RedrivePolicy
	switch {
	case policy == nil:
		return nil
	case !strings.HasPrefix(policy.DeadLetterTargetARN, "arn:aws:sqs:"):
		return errors.New("RedrivePolicy: deadLetterTargetArn is not the ARN of a queue")
	case strings.HasSuffix(policy.DeadLetterTargetARN, ".fifo") != spec.FifoQueue:
		return errors.New(
			"RedrivePolicy: the dead-letter queue must be of the same kind, FIFO or standard",
		)
	case policy.MaxReceiveCount < 1 || policy.MaxReceiveCount > 1000:
		return fmt.Errorf(
			"RedrivePolicy: maxReceiveCount is %d, must be from 1 to 1000", policy.MaxReceiveCount,
		)
	}
	return nil
}
