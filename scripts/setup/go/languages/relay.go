package main

import (
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Passes calls on without knowledge of their messages. All calls of a language host have one request.
type relay struct{ host *grpc.ClientConn }

func (r *relay) handle(_ any, caller grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(caller)
	host, err := r.host.NewStream(caller.Context(), &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return err
	}
	var request message
	if err := caller.RecvMsg(&request); err != nil {
		return err
	}
	// An EOF means that the host has answered already: its status follows.
	if err := host.SendMsg(&request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := host.CloseSend(); err != nil {
		return err
	}
	for {
		var response message
		if err := host.RecvMsg(&response); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := caller.SendMsg(&response); err != nil {
			return err
		}
	}
}

// An encoded message that is passed on.
type message []byte

// Encodes the messages of generated calls, and leaves those that are passed on as they are.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(value any) ([]byte, error) {
	if encoded, ok := value.(*message); ok {
		return *encoded, nil
	}
	return proto.Marshal(value.(proto.Message))
}

func (codec) Unmarshal(data []byte, value any) error {
	if encoded, ok := value.(*message); ok {
		*encoded = append(message{}, data...)
		return nil
	}
	return proto.Unmarshal(data, value.(proto.Message))
}
