// Package config holds the names that cross from the stack to the functions: environment variables and headers, and the
// few durations that the template and the code must agree on. The CDK app sets them, FromEnv reads them.
package config
