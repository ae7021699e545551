package cluster

import (
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// What other servers of a cluster broadcast, ours and Node's, reaches clients with msgpack, and
// theirs hear them.
func TestMsgpackCluster(t *testing.T) {
	testkit.NeedNode(t)
	redis := redistest.Start(t)
	one, two := harness.StartMember(t, redis), harness.StartMember(t, redis)
	_, node := harness.StartNodeServer(t, redis)
	redis.AwaitSubscribers("socket.io-request#/#", 3)
	packed, usual := testkit.JoinMsgpack(t, one.Addr), testkit.JoinWebSocket(t, two.Addr)
	third := joinCluster(t, node)
	usual.Send(`451-["message",{"a":[{"_placeholder":true,"num":0}]}]`)
	usual.Must(usual.SendFrame(testkit.OpBinary, "\x01\x02"))
	usual.Hears(`451-["message",{"a":[{"_placeholder":true,"num":0}]}]`)
	if f, err := usual.ReadFrame(); err != nil || string(f.Data) != "\x01\x02" {
		t.Fatalf("the other server's client heard %v, %v", f, err)
	}
	packed.HearPacket("\x83\xa4type\x02\xa4data\x92\xa7message\x81\xa1a\x91\xc4\x02\x01\x02\xa3nsp\xa1/")
	third.hears(`451-["message",{"a":[{"_placeholder":true,"num":0}]}]`)
	if f, err := third.WS.ReadFrame(); err != nil || string(f.Data) != "\x01\x02" {
		t.Fatalf("Node's client heard %v, %v", f, err)
	}
	third.says(testkit.Message("from Node"))
	packed.HearPacket("\x83\xa4type\x02\xa4data\x92\xa7message\xa9from Node\xa3nsp\xa1/")
	usual.Awaits(testkit.Message("from Node"))
	packed.SendPacket("\x83\xa4type\x02\xa4data\x92\xa7message\xa2hi\xa3nsp\xa1/")
	usual.Awaits(testkit.Message("hi"))
	third.hears(testkit.Message("from Node"), testkit.Message("hi"))
}
