// Package referee compares the local cloud with an emulator of AWS that others wrote. It deploys
// one template to both, does the same to both through the AWS SDK and real WebSockets, and compares
// the results, fact by fact.
//
// What one of them does proves nothing, so AWS's documentation has decided each difference. Errors
// of the local cloud were corrected. Those of the emulator are listed in testdata/differences.json,
// with what both said and the document that decides. A difference that is not listed fails a test,
// and so does a listed one that no longer exists.
//
// The tests need the emulator that HARK_EMULATOR_URL names; scripts/localstack starts one and runs
// them. Start reading in compare_test.go. clouds_test.go opens the two clouds; recorder is the
// function behind every API, URL and queue.
package referee
