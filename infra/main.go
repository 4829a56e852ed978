package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "hark:", err)
		os.Exit(1)
	}
}

func run() error {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	props, err := propsFromContext(app.Node())
	if err != nil {
		return err
	}
	NewHarkStack(app, stackName(props.Stage), props)
	app.Synth(nil)
	return nil
}

// stackName names the stack of a stage. The production stack, the usual case, is plain Hark.
func stackName(stage string) string {
	if stage == defaultStage {
		return "Hark"
	}
	return "Hark-" + stage
}
