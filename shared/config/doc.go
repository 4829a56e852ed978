// Package config names what the stack and the functions must agree on: environment variables,
// headers, and some durations and numbers. The CDK app in infra/ sets them; FromEnv reads the
// variables. All of it is in config.go.
package config
