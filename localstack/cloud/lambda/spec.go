package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hark/localstack/cloud/iam"
)

const latest = "$LATEST" // the only version there is

// FunctionSpec is an AWS::Lambda::Function, with what other resources of the template say about it.
type FunctionSpec struct {
	Role   *iam.Role `json:"-"` // the function's role; the account's administrator if nil
	Binary string    `json:"-"` // path of the executable, built for this machine

	FunctionName string
	Description  string
	Handler      string
	Runtime      string
	Timeout      int // seconds; 3 if 0, as on AWS
	MemorySize   int // MB; 128 if 0. Recorded, not enforced
	Environment  struct{ Variables map[string]string }

	// ReservedConcurrentExecutions is how many invocations may run at once; further ones are
	// throttled. No limit if nil.
	ReservedConcurrentExecutions *int

	// Refused if set.
	PackageType       string
	Layers            []string
	VpcConfig         json.RawMessage
	FileSystemConfigs json.RawMessage
	DeadLetterConfig  json.RawMessage

	// Without effect.
	Code            json.RawMessage // Binary runs in its place
	Architectures   json.RawMessage // Binary is built for this machine
	LoggingConfig   json.RawMessage // there are no log groups; see Options.Stderr
	KmsKeyArn, Tags json.RawMessage
}

// check fills in defaults and refuses by name what is not supported.
func (f *FunctionSpec) check() error {
	switch {
	case f.FunctionName == "":
		return errors.New("FunctionName is missing")
	case f.PackageType != "" && f.PackageType != "Zip":
		return unsupported("PackageType " + f.PackageType)
	case len(f.Layers) > 0:
		return unsupported("Layers")
	case f.VpcConfig != nil:
		return unsupported("VpcConfig")
	case f.FileSystemConfigs != nil:
		return unsupported("FileSystemConfigs")
	case f.DeadLetterConfig != nil:
		return unsupported("DeadLetterConfig")
	}
	path, err := filepath.Abs(f.Binary)
	if err != nil {
		return fmt.Errorf("find the binary: %w", err)
	}
	f.Binary = path
	if f.Timeout == 0 {
		f.Timeout = 3
	}
	if f.MemorySize == 0 {
		f.MemorySize = 128
	}
	return nil
}

func (f *FunctionSpec) timeout() time.Duration { return time.Duration(f.Timeout) * time.Second }

// unsupported is the error for a property that is not supported.
func unsupported(what string) error {
	return fmt.Errorf("%s is not supported by the local cloud", what)
}
