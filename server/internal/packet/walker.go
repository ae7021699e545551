package packet

// Walker is told of a value part by part, by [Value.Walk] and [Value.Read]. Texts are valid during
// the call alone.
type Walker interface {
	Null()
	Bool(bool)
	Number(text []byte) // as JSON writes it
	Text(text []byte)
	Binary(data []byte) // an attachment; never to be written to
	BeginArray()
	EndArray(elements int)
	BeginObject()
	Key(text []byte)
	EndObject(members int)
}
