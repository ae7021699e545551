package packet

// object is a JSON object that is being written.
type object struct {
	e           *encoder
	start       int // in e.dst
	attachments int // before it
	marker      int // where the value of "_placeholder" starts, or 0
	members     int
	marked      bool
}

func (e *encoder) object() (object, error) {
	if err := e.enter(); err != nil {
		return object{}, err
	}
	o := object{e: e, start: len(e.dst), attachments: len(e.attachments)}
	e.dst = append(e.dst, '{')
	return o, nil
}

// key writes a member's key; the value has to follow.
func (o *object) key(name string) {
	o.next()
	o.e.dst = append(AppendText(o.e.dst, name), ':')
	o.keyed(name)
}

// field writes the key of a struct's field.
func (o *object) field(f *planned) {
	o.next()
	o.e.dst = append(o.e.dst, f.key...)
	o.keyed(f.name)
}

func (o *object) next() {
	o.check()
	if o.members > 0 {
		o.e.dst = append(o.e.dst, ',')
	}
	o.members++
}

func (o *object) keyed(name string) {
	if name == markerKey {
		o.marker = len(o.e.dst)
	}
}

// check looks at the value last written if it was that of "_placeholder".
func (o *object) check() {
	if o.marker > 0 {
		o.marked = string(o.e.dst[o.marker:]) == "true"
		o.marker = 0
	}
}

func (o *object) end() {
	o.check()
	e := o.e
	e.depth--
	e.dst = append(e.dst, '}')
	if !o.marked {
		return
	}
	e.lookalike = true
	if e.binary {
		e.dst = append(e.dst[:o.start], "null"...)
		e.attachments = e.attachments[:o.attachments]
	}
}
