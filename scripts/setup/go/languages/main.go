// A language host that generates packages and programs, with the code of the CLI's own release. Module proxies serve
// older hosts only, which cannot: the one of the same name in the folder `hosts` answers every other call.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const unlimited = 1 << 30

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	name := filepath.Base(os.Args[0])
	generate, err := generatorOf(strings.TrimPrefix(name, "pulumi-language-"))
	if err != nil {
		return err
	}
	port, err := startOlderHost(name)
	if err != nil {
		return err
	}
	relay, err := newRelay(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.ForceServerCodec(codec{}), grpc.MaxRecvMsgSize(unlimited), grpc.UnknownServiceHandler(relay.handle))
	generate.register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// The engine reads the port from the first line.
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// Starts the older host and returns its port. Both end together.
func startOlderHost(name string) (port int, err error) {
	executable, err := os.Executable()
	if err != nil {
		return 0, err
	}
	host := exec.Command(filepath.Join(filepath.Dir(executable), "hosts", name), os.Args[1:]...)
	host.Stderr = os.Stderr
	output, err := host.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := host.Start(); err != nil {
		return 0, err
	}
	if _, err := fmt.Fscanf(output, "%d\n", &port); err != nil {
		return 0, fmt.Errorf("%s named no port: %w", host.Path, err)
	}
	go func() {
		_, _ = io.Copy(os.Stdout, output)
		_ = host.Wait()
		os.Exit(0)
	}()
	return port, nil
}

func newRelay(address string) (*relay, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(unlimited)))
	return &relay{connection}, err
}
