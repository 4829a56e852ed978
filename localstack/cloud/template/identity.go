package template

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// identity is the values of Ref and Fn::GetAtt for a resource.
type identity struct {
	ref        string
	attributes map[string]string
}

// identity returns the identity of a resource. It resolves only the property with the resource's
// name, so that two resources can refer to each other.
func (r *resolver) identity(logicalID string) (identity, error) {
	if id, ok := r.identities[logicalID]; ok {
		return id, nil
	}
	decl, ok := r.doc.Resources[logicalID]
	if !ok {
		return identity{}, fmt.Errorf("there is no resource or parameter %q", logicalID)
	}
	if exists, err := r.condition(decl.Condition); err != nil || !exists {
		if err == nil {
			err = fmt.Errorf(
				"%s does not exist: its condition %s does not hold", logicalID, decl.Condition,
			)
		}
		return identity{}, err
	}
	leave, err := r.enter("the name of " + logicalID)
	if err != nil {
		return identity{}, err
	}
	defer leave()
	name, err := r.name(logicalID, decl)
	if err != nil {
		return identity{}, fmt.Errorf("name of %s: %w", logicalID, err)
	}
	if name, err = r.ofBus(name, decl); err != nil {
		return identity{}, fmt.Errorf("bus of %s: %w", logicalID, err)
	}
	id := r.env.identify(decl.Type, name, token(r.env.StackName+"/"+logicalID))
	if physical, ok := r.env.IDs[logicalID]; ok {
		id = id.as(physical)
	}
	r.identities[logicalID] = id
	return id, nil
}

// as returns the identity with another physical ID.
func (id identity) as(physical string) identity {
	renamed := identity{physical, make(attributes, len(id.attributes))}
	for name, value := range id.attributes {
		renamed.attributes[name] = strings.ReplaceAll(value, lastPart(id.ref), lastPart(physical))
	}
	return renamed
}

// lastPart is the name in an ID that is a path, a URL or an ARN.
func lastPart(id string) string { return id[strings.LastIndexAny(id, "/:")+1:] }

// name returns the resource's name: the one in its properties, or {stack}-{logical ID}.
func (r *resolver) name(logicalID string, decl declaration) (string, error) {
	property := nameProperty(decl.Type)
	if v, ok := decl.Properties[property]; ok {
		given, err := r.value(v, "Properties."+property)
		if err != nil {
			return "", err
		}
		if given != (noValue{}) {
			return r.text(given, "Properties."+property)
		}
	}
	name := r.env.StackName + "-" + logicalID
	if decl.Type == "AWS::SQS::Queue" && isTrue(decl.Properties["FifoQueue"]) {
		name += ".fifo"
	}
	return name, nil
}

// ofBus prefixes the name of a rule with its bus, as the rule's ARN does. The default bus is left
// out.
func (r *resolver) ofBus(name string, decl declaration) (string, error) {
	v, ok := decl.Properties["EventBusName"]
	if decl.Type != "AWS::Events::Rule" || !ok {
		return name, nil
	}
	bus, err := r.text(v, "Properties.EventBusName")
	if bus = lastPart(bus); err != nil || bus == "default" {
		return name, err
	}
	return bus + "/" + name, nil
}

func isTrue(v any) bool { return v == true || v == "true" }

// nameProperty returns the property with the name of a resource of the type. The name of a function
// URL is that of its function.
func nameProperty(cfnType string) string {
	switch cfnType {
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
		return "TableName"
	case "AWS::SQS::Queue":
		return "QueueName"
	case "AWS::Lambda::Function":
		return "FunctionName"
	case "AWS::Lambda::Url":
		return "TargetFunctionArn"
	case "AWS::IAM::Role":
		return "RoleName"
	case "AWS::IAM::ManagedPolicy":
		return "ManagedPolicyName"
	case "AWS::Logs::LogGroup":
		return "LogGroupName"
	case "AWS::ApiGatewayV2::Stage":
		return "StageName"
	default: // most types, such as AWS::CloudFront::Function and AWS::Events::Rule
		return "Name"
	}
}

// identify returns the identity of a resource of the type with the name. IDs that AWS generates are
// cut from the token, with AWS's length and alphabet. A type that is not listed has its name as its
// ID, and no attributes.
func (e Env) identify(cfnType, name, token string) identity {
	switch cfnType {
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
		return identity{name, attributes{"Arn": e.arn("dynamodb", "table/"+name)}}
	case "AWS::SQS::Queue":
		url := fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", e.Region, e.Account, name)
		return identity{
			url, attributes{"Arn": e.arn("sqs", name), "QueueName": name, "QueueUrl": url},
		}
	case "AWS::Lambda::Function":
		return identity{name, attributes{"Arn": e.arn("lambda", "function:"+name)}}
	case "AWS::Lambda::Url":
		url := fmt.Sprintf("https://%s.lambda-url.%s.on.aws/", token[:32], e.Region)
		return identity{name, attributes{"FunctionArn": name, "FunctionUrl": url}}
	case "AWS::IAM::Role":
		arn, id := e.global("iam", "role/"+name), "AROA"+strings.ToUpper(token[:17])
		return identity{name, attributes{"Arn": arn, "RoleId": id}}
	case "AWS::IAM::ManagedPolicy":
		arn := e.global("iam", "policy/"+name)
		return identity{arn, attributes{"PolicyArn": arn}}
	case "AWS::Logs::LogGroup":
		return identity{name, attributes{"Arn": e.arn("logs", "log-group:"+name+":*")}}
	case "AWS::Events::EventBus":
		return identity{name, attributes{"Arn": e.arn("events", "event-bus/"+name), "Name": name}}
	case "AWS::Events::Rule": // bus/name, or only the name on the default bus
		return identity{
			strings.Replace(name, "/", "|", 1), attributes{"Arn": e.arn("events", "rule/"+name)},
		}
	case "AWS::Scheduler::Schedule":
		return identity{name, attributes{"Arn": e.arn("scheduler", "schedule/default/"+name)}}
	case "AWS::CloudWatch::Alarm":
		return identity{name, attributes{"Arn": e.arn("cloudwatch", "alarm:"+name)}}
	case "AWS::ApiGatewayV2::Api":
		endpoint := fmt.Sprintf("wss://%s.execute-api.%s.amazonaws.com", token[:10], e.Region)
		return identity{token[:10], attributes{"ApiId": token[:10], "ApiEndpoint": endpoint}}
	case "AWS::ApiGatewayV2::Stage":
		return identity{name, nil}
	case "AWS::ApiGatewayV2::Integration":
		return identity{token[:7], attributes{"IntegrationId": token[:7]}}
	case "AWS::ApiGatewayV2::Route":
		return identity{token[:7], attributes{"RouteId": token[:7]}}
	case "AWS::ApiGatewayV2::Deployment":
		return identity{token[:6], attributes{"DeploymentId": token[:6]}}
	case "AWS::CloudFront::Distribution":
		id := "E" + strings.ToUpper(token[:13])
		domain := "d" + token[:13] + ".cloudfront.net"
		return identity{id, attributes{"Id": id, "DomainName": domain}}
	case "AWS::CloudFront::Function":
		arn := e.global("cloudfront", "function/"+name)
		return identity{arn, attributes{"FunctionARN": arn, "FunctionMetadata.FunctionARN": arn}}
	case "AWS::CloudFront::CachePolicy", "AWS::CloudFront::OriginRequestPolicy",
		"AWS::CloudFront::ResponseHeadersPolicy":
		return identity{token[:32], attributes{"Id": token[:32]}}
	default:
		return identity{name, nil}
	}
}

type attributes = map[string]string

func (e Env) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, e.Region, e.Account, resource)
}

// global returns the ARN of a resource without a Region.
func (e Env) global(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s::%s:%s", service, e.Account, resource)
}

// token returns 52 letters and digits, always the same ones for the same seed.
func token(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}
