package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"hark/shared/config"
)

// The keys of the context that the app reads: `npx cdk deploy -c stage=test -c activityTimeout=60`,
// or "context" in cdk.json. Each says what applies if it is not given.
const (
	// contextStage names the deployment; "prod".
	contextStage = "stage"
	// contextOriginSecret is the secret that CloudFront sends to the WebSocket API; derived from
	// the stack's id.
	contextOriginSecret = "originSecret"
	// contextCallbackBase is where frames are posted, without /{api}/{stage}; AWS's own endpoint.
	contextCallbackBase = "callbackBase"
	// contextActivityTimeout is after how many seconds of silence a client pings; the functions'
	// default.
	contextActivityTimeout = "activityTimeout"
	// contextRoutes is "named" to give subscribing and signing in routes and functions of their
	// own; "default".
	contextRoutes = "routes"
	// contextWebhooks is "true" to send apps webhook events, and to accept events from a queue and
	// an event bus; "false".
	contextWebhooks = "webhooks"
	// contextSynthesizer is "cli" to deploy with the credentials of the CDK CLI instead of the
	// roles that bootstrapping creates.
	contextSynthesizer = "synthesizer"
)

const defaultStage = "prod"

var (
	// A stage is part of names that AWS limits to 64 characters.
	validStage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,23}$`)
	// A secret is a header's value that needs no escaping anywhere.
	validSecret = regexp.MustCompile(`^[A-Za-z0-9_.~+/=-]{16,256}$`)
	validBase   = regexp.MustCompile(`^https?://[^\s?#]*[^\s?#/]$`)
)

// propsFromContext reads the context. It fails on a value with which the stack would deploy but not
// work.
func propsFromContext(node constructs.Node) (HarkStackProps, error) {
	text := func(key string) string {
		if v := node.TryGetContext(jsii.String(key)); v != nil {
			return fmt.Sprint(v) // a number, if it comes from cdk.json
		}
		return ""
	}
	props := HarkStackProps{
		Stage:        text(contextStage),
		OriginSecret: text(contextOriginSecret),
		CallbackBase: text(contextCallbackBase),
		Dist:         "dist",
	}
	if props.Stage == "" {
		props.Stage = defaultStage
	}
	if err := props.check(); err != nil {
		return props, err
	}
	var err error
	props.ActivityTimeout, err = seconds(contextActivityTimeout, text(contextActivityTimeout))
	if err != nil {
		return props, err
	}
	cli := false
	for _, option := range []struct {
		key, off, on string
		isOn         *bool
	}{
		{contextRoutes, "default", "named", &props.NamedRoutes},
		{contextWebhooks, "false", "true", &props.Webhooks},
		{contextSynthesizer, "", "cli", &cli},
	} {
		*option.isOn, err = switchedOn(option.key, text(option.key), option.off, option.on)
		if err != nil {
			return props, err
		}
	}
	if cli {
		props.Synthesizer = awscdk.NewCliCredentialsStackSynthesizer(nil)
	}
	return props, nil
}

// check validates the texts that become part of names, headers and URLs.
func (p HarkStackProps) check() error {
	if !validStage.MatchString(p.Stage) {
		return fmt.Errorf("context %s: %q is not a letter and up to 23 letters, digits and dashes",
			contextStage, p.Stage)
	}
	if s := p.OriginSecret; s != "" && !validSecret.MatchString(s) {
		return fmt.Errorf("context %s: not 16 to 256 letters, digits and _.~+/=-",
			contextOriginSecret)
	}
	if s := p.CallbackBase; s != "" && !validBase.MatchString(s) {
		return fmt.Errorf("context %s: %q is not an http(s) URL without a slash at its end",
			contextCallbackBase, s)
	}
	return nil
}

// seconds parses how long clients may be silent; 0 if the value is empty.
func seconds(key, value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	most := config.MaxActivity.Seconds()
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > int(most) {
		return 0, fmt.Errorf("context %s: %q is not a number of seconds from 1 to %.0f",
			key, value, most)
	}
	return time.Duration(n) * time.Second, nil
}

// switchedOn reports whether an option is on. An empty value means that it is off.
func switchedOn(key, value, off, on string) (bool, error) {
	if value != "" && value != off && value != on {
		return false, fmt.Errorf("context %s: %q is neither %q nor %q", key, value, off, on)
	}
	return value == on, nil
}
