package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/hcl2/syntax"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/pcl"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

type files = map[string][]byte

// The code generation of one language. Its name is the tool that generated packages mention.
type generator struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	packageFiles func(*pulumirpc.GeneratePackageRequest, *schema.Package, schema.ReferenceLoader) (files, error)
	programFiles func(*pcl.Program) (files, hcl.Diagnostics, error)
}

func generatorOf(language string) (*generator, error) {
	tool := "pulumi-language-" + language
	type request = *pulumirpc.GeneratePackageRequest
	switch language {
	case "nodejs":
		return &generator{
			packageFiles: func(r request, p *schema.Package, loader schema.ReferenceLoader) (files, error) {
				return nodejs.GeneratePackage(tool, p, r.ExtraFiles, r.LocalDependencies, r.Local, loader)
			},
			programFiles: nodejs.GenerateProgram,
		}, nil
	case "python":
		return &generator{
			packageFiles: func(r request, p *schema.Package, loader schema.ReferenceLoader) (files, error) {
				return python.GeneratePackage(tool, p, r.ExtraFiles, loader)
			},
			programFiles: python.GenerateProgram,
		}, nil
	case "go":
		return &generator{
			packageFiles: func(r request, p *schema.Package, _ schema.ReferenceLoader) (files, error) {
				return golang.GeneratePackage(tool, p, r.LocalDependencies)
			},
			programFiles: golang.GenerateProgram,
		}, nil
	}
	return nil, fmt.Errorf("no code is generated for %q", language)
}

// Registers these two calls of a language host only: the server passes on every call that it does not know.
func (g *generator) register(server *grpc.Server) {
	service := pulumirpc.LanguageRuntime_ServiceDesc
	service.Streams, service.Methods = nil, nil
	for _, method := range pulumirpc.LanguageRuntime_ServiceDesc.Methods {
		if method.MethodName == "GeneratePackage" || method.MethodName == "GenerateProgram" {
			service.Methods = append(service.Methods, method)
		}
	}
	server.RegisterService(&service, g)
}

func (g *generator) GeneratePackage(
	_ context.Context, request *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(request.LoaderTarget)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(request.Schema), &spec); err != nil {
		return nil, err
	}
	cached := schema.NewCachedLoader(loader)
	bound, problems, err := schema.BindSpec(spec, cached, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	diagnostics := plugin.HclDiagnosticsToRPCDiagnostics(problems)
	if !problems.HasErrors() {
		generated, err := g.packageFiles(request, bound, cached)
		if err != nil {
			return nil, err
		}
		if err := write(generated, request.Directory); err != nil {
			return nil, err
		}
	}
	return &pulumirpc.GeneratePackageResponse{Diagnostics: diagnostics}, nil
}

func (g *generator) GenerateProgram(
	_ context.Context, request *pulumirpc.GenerateProgramRequest,
) (*pulumirpc.GenerateProgramResponse, error) {
	loader, err := schema.NewLoaderClient(request.LoaderTarget)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	parser := syntax.NewParser()
	for name, text := range request.Source {
		if err := parser.ParseFile(strings.NewReader(text), name); err != nil {
			return nil, err
		}
	}
	if parser.Diagnostics.HasErrors() {
		return answer(nil, parser.Diagnostics), nil
	}
	var options []pcl.BindOption
	if !request.Strict {
		options = pcl.NonStrictBindOptions()
	}
	program, problems, err := pcl.BindProgram(parser.Files, schema.NewCachedLoader(loader), options...)
	if err != nil {
		return nil, err
	}
	if problems.HasErrors() {
		return answer(nil, problems), nil
	}
	generated, more, err := g.programFiles(program)
	if err != nil {
		return nil, err
	}
	return answer(generated, append(problems, more...)), nil
}

func answer(generated files, problems hcl.Diagnostics) *pulumirpc.GenerateProgramResponse {
	return &pulumirpc.GenerateProgramResponse{
		Source:      generated,
		Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(problems),
	}
}

func write(generated files, folder string) error {
	for name, content := range generated {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
