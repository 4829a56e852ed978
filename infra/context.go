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

// The context values that the app reads: `npx cdk deploy -c stage=test -c activityTimeout=60`, or "context" in cdk.json.
const (
	contextStage           = "stage"           // which deployment this is; prod if not given
	contextOriginSecret    = "originSecret"    // what CloudFront shows to the gateway; made from the stack's id if not given
	contextCallbackBase    = "callbackBase"    // where frames are posted, without /{api}/{stage}; AWS's own endpoint if not given
	contextActivityTimeout = "activityTimeout" // seconds of silence after which clients ping; the functions' default if not given
	contextRoutes          = "routes"          // named gives subscribing and signing in routes and functions of their own
	contextWebhooks        = "webhooks"        // true tells apps what happens on their channels, and takes events from a queue and a bus
	contextSynthesizer     = "synthesizer"     // cli deploys as whoever runs the CDK CLI, not by the roles that bootstrapping makes
)

const defaultStage = "prod"

var (
	validStage  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,23}$`) // part of names that hold 64 characters
	validSecret = regexp.MustCompile(`^[A-Za-z0-9_.~+/=-]{16,256}$`) // a header value that needs no escaping anywhere
	validBase   = regexp.MustCompile(`^https?://[^\s?#]*[^\s?#/]$`)
)

// propsFromContext reads the context. It fails on a value that would make a stack which deploys but does not work.
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
	if props.ActivityTimeout, err = seconds(contextActivityTimeout, text(contextActivityTimeout)); err != nil {
		return props, err
	}
	cli := false
	for _, choice := range []struct {
		key, usual, other string
		made              *bool
	}{
		{contextRoutes, "default", "named", &props.NamedRoutes},
		{contextWebhooks, "false", "true", &props.Webhooks},
		{contextSynthesizer, "", "cli", &cli},
	} {
		if *choice.made, err = chooses(choice.key, text(choice.key), choice.usual, choice.other); err != nil {
			return props, err
		}
	}
	if cli {
		props.Synthesizer = awscdk.NewCliCredentialsStackSynthesizer(nil)
	}
	return props, nil
}

// check looks at the texts that get into names, headers and URLs.
func (p HarkStackProps) check() error {
	if !validStage.MatchString(p.Stage) {
		return fmt.Errorf("context %s: %q is not a letter and up to 23 letters, digits and dashes", contextStage, p.Stage)
	}
	if s := p.OriginSecret; s != "" && !validSecret.MatchString(s) {
		return fmt.Errorf("context %s: not 16 to 256 letters, digits and _.~+/=-", contextOriginSecret)
	}
	if s := p.CallbackBase; s != "" && !validBase.MatchString(s) {
		return fmt.Errorf("context %s: %q is not an http(s) URL without a slash at its end", contextCallbackBase, s)
	}
	return nil
}

// seconds reads how long clients may be silent; 0 if it is not said.
func seconds(key, value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > int(config.MaxActivity.Seconds()) {
		return 0, fmt.Errorf("context %s: %q is not a number of seconds from 1 to %.0f", key, value, config.MaxActivity.Seconds())
	}
	return time.Duration(n) * time.Second, nil
}

// chooses reports whether a value is the other one of two rather than the usual one, which it is too if it is not said.
func chooses(key, value, usual, other string) (bool, error) {
	if value != "" && value != usual && value != other {
		return false, fmt.Errorf("context %s: %q is neither %q nor %q", key, value, usual, other)
	}
	return value == other, nil
}
