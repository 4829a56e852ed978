// Package referee holds the local cloud to an emulator of AWS that others wrote. It deploys one
// template to both, does the same to both through the AWS SDK and real sockets, and compares what
// comes back, fact by fact.
//
// What one of them does is no proof: each difference was decided by AWS's documentation. Ours were
// mended; the emulator's stand in testdata/differences.json with what both said and the document
// that decides. A difference that is not listed fails, and so does one that is listed and has gone.
//
// Its tests need the emulator that HARK_EMULATOR_URL names: scripts/localstack starts one and runs
// them. Start reading in compare_test.go; clouds_test.go opens the two; recorder is the function
// behind everything.
package referee
