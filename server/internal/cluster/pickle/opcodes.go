package pickle

// The opcodes that are carried out.
const (
	opMark          = '('
	opStop          = '.'
	opPop           = '0'
	opPopMark       = '1'
	opDup           = '2'
	opFloat         = 'F'
	opInt           = 'I'
	opBinInt        = 'J'
	opBinInt1       = 'K'
	opLong          = 'L'
	opBinInt2       = 'M'
	opNone          = 'N'
	opUnicode       = 'V'
	opBinUnicode    = 'X'
	opAppend        = 'a'
	opDict          = 'd'
	opEmptyDict     = '}'
	opAppends       = 'e'
	opGet           = 'g'
	opBinGet        = 'h'
	opLongBinGet    = 'j'
	opList          = 'l'
	opEmptyList     = ']'
	opPut           = 'p'
	opBinPut        = 'q'
	opLongBinPut    = 'r'
	opSetItem       = 's'
	opTuple         = 't'
	opEmptyTuple    = ')'
	opSetItems      = 'u'
	opBinFloat      = 'G'
	opProto         = 0x80
	opTuple1        = 0x85
	opTuple2        = 0x86
	opTuple3        = 0x87
	opNewTrue       = 0x88
	opNewFalse      = 0x89
	opLong1         = 0x8A
	opLong4         = 0x8B
	opBinBytes      = 'B'
	opShortBinBytes = 'C'
	opShortBinUni   = 0x8C
	opBinUnicode8   = 0x8D
	opBinBytes8     = 0x8E
	opMemoize       = 0x94
	opFrame         = 0x95
	opByteArray8    = 0x96
)

const (
	highestProtocol = 5
	maxDigits       = 4300 // of an integer: Python's own limit for one as text
	maxIntegerBytes = 1786 // what maxDigits need
	maxLine         = maxDigits + 16
	errorPrefix     = "pickle: "
)

// refused names the opcodes that are known and not carried out, with the reason.
func refused(op byte) (name, why string) {
	const (
		code    = "it could run code"
		outside = "it refers to something outside"
		set     = "JSON has no sets"
		python2 = "only Python 2 writes it"
	)
	r := map[byte][2]string{
		'R':  {"REDUCE", code},
		'b':  {"BUILD", code},
		'c':  {"GLOBAL", code},
		'i':  {"INST", code},
		'o':  {"OBJ", code},
		0x81: {"NEWOBJ", code},
		0x82: {"EXT1", code},
		0x83: {"EXT2", code},
		0x84: {"EXT4", code},
		0x92: {"NEWOBJ_EX", code},
		0x93: {"STACK_GLOBAL", code},
		'P':  {"PERSID", outside},
		'Q':  {"BINPERSID", outside},
		0x97: {"NEXT_BUFFER", outside},
		0x98: {"READONLY_BUFFER", outside},
		0x8F: {"EMPTY_SET", set},
		0x90: {"ADDITEMS", set},
		0x91: {"FROZENSET", set},
		'S':  {"STRING", python2},
		'T':  {"BINSTRING", python2},
		'U':  {"SHORT_BINSTRING", python2},
	}[op]
	return r[0], r[1]
}
