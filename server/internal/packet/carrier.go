package packet

// carrier is a Value, a Carrier, or a type that embeds one: it is written as that Value, and
// decoded into it, attachments included.
type carrier interface{ carried() Value }

func (v Value) carried() Value { return v }

// receiver is the pointer to a carrier.
type receiver interface{ carry(Value) }

func (v *Value) carry(x Value) { *v = x }

// Carrier is a Value for types of public packages to embed: without its methods and fields, which
// they would otherwise show. They are written as that Value, and decoded into it, attachments
// included.
type Carrier struct{ value Value }

// Carry returns the Carrier of a Value.
func Carry(v Value) Carrier { return Carrier{v} }

// Carried returns the Value of a Carrier.
func Carried(c Carrier) Value { return c.value }

func (c Carrier) carried() Value { return c.value }

func (c *Carrier) carry(v Value) { c.value = v }

// UnmarshalJSON keeps a copy of the text.
func (c *Carrier) UnmarshalJSON(text []byte) error { return c.value.UnmarshalJSON(text) }

// MarshalJSON returns the text as it came, in which binary is a placeholder.
func (c Carrier) MarshalJSON() ([]byte, error) {
	if c.value.IsNull() {
		return []byte("null"), nil
	}
	return c.value.JSON, nil
}
