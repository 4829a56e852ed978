package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"hark/shared/config"
)

func TestContextReachesTheTemplate(t *testing.T) {
	tmpl := decode(t, synth(t, map[string]any{
		"stage":           "test",
		"originSecret":    "a-secret-of-my-own",
		"callbackBase":    "http://127.0.0.1:4566/_aws/execute-api",
		"activityTimeout": 60, // a number from cdk.json, "60" from the command line
	}))
	variable := func(function, name string) string {
		return text(tmpl.at(function, "Environment", "Variables", name))
	}
	for _, check := range []struct{ what, got, want string }{
		{
			"the functions have the stage in their names",
			text(tmpl.at("Connect", "FunctionName")), "Hark-test-connect",
		},
		{
			"and so have their logs",
			text(tmpl.at("ConnectLogs", "LogGroupName")), "/aws/lambda/Hark-test-connect",
		},
		{
			"connect has the given secret",
			variable("Connect", config.OriginSecret), "a-secret-of-my-own",
		},
		{
			"CloudFront sends it",
			text(tmpl.at("Client", append(originHeader, "HeaderValue")...)), "a-secret-of-my-own",
		},
		{
			"frames are posted to the given base",
			variable("Broadcast", config.CallbackURL),
			"http://127.0.0.1:4566/_aws/execute-api/${Socket}/v1",
		},
		{"clients ping at the given pace", variable("Connect", config.ActivityTimeout), "60"},
	} {
		if check.got != check.want {
			t.Errorf("%s: got %s, want %s", check.what, check.got, check.want)
		}
	}
}

func TestRoutesAreNamedIfTheContextSaysNamed(t *testing.T) {
	for routes, want := range map[any]bool{nil: false, "": false, "default": false, "named": true} {
		app := awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"routes": routes}})
		props, err := propsFromContext(app.Node())
		if err != nil || props.NamedRoutes != want {
			t.Errorf("%v: %t, %v", routes, props.NamedRoutes, err)
		}
	}
}

func TestWebhooksAreOnIfTheContextSaysTrue(t *testing.T) {
	for webhooks, want := range map[any]bool{
		nil: false, "": false, "false": false, false: false, "true": true, true: true,
	} {
		app := awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"webhooks": webhooks}})
		props, err := propsFromContext(app.Node())
		if err != nil || props.Webhooks != want {
			t.Errorf("%v: %t, %v", webhooks, props.Webhooks, err)
		}
	}
}

func TestSynthesizerCLINeedsNoRolesFromBootstrapping(t *testing.T) {
	got := string(synth(t, map[string]any{"synthesizer": "cli"}))
	if strings.Contains(got, "BootstrapVersion") {
		t.Errorf("the template asks which roles there are: %s", got)
	}
}

func TestAnErrorNamesTheContextKey(t *testing.T) {
	for _, context := range []map[string]any{
		{"stage": "with space"},
		{"stage": "1st"},
		{"originSecret": "short"},
		{"originSecret": "with a space in its middle"},
		{"callbackBase": "localhost:4566"},
		{"callbackBase": "http://localhost:4566/"},
		{"activityTimeout": "2m"},
		{"activityTimeout": "0"},
		{"activityTimeout": "600"},
		{"routes": "Named"},
		{"routes": true},
		{"webhooks": "yes"},
		{"webhooks": 1},
		{"synthesizer": "legacy"},
	} {
		app := awscdk.NewApp(&awscdk.AppProps{Context: &context})
		_, err := propsFromContext(app.Node())
		for key := range context {
			if err == nil || !strings.Contains(err.Error(), "context "+key) {
				t.Errorf("%v: %v", context, err)
			}
		}
	}
}

func TestStackNameHasTheStageExceptProd(t *testing.T) {
	for stage, want := range map[string]string{"prod": "Hark", "test": "Hark-test"} {
		if got := stackName(stage); got != want {
			t.Errorf("%s: %s", stage, got)
		}
	}
}
