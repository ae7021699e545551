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
	switch op {
	case 'R':
		return "REDUCE", code
	case 'b':
		return "BUILD", code
	case 'c':
		return "GLOBAL", code
	case 'i':
		return "INST", code
	case 'o':
		return "OBJ", code
	case 0x81:
		return "NEWOBJ", code
	case 0x82, 0x83, 0x84:
		return "EXT", code
	case 0x92:
		return "NEWOBJ_EX", code
	case 0x93:
		return "STACK_GLOBAL", code
	case 'P':
		return "PERSID", outside
	case 'Q':
		return "BINPERSID", outside
	case 0x97:
		return "NEXT_BUFFER", outside
	case 0x98:
		return "READONLY_BUFFER", outside
	case 0x8F:
		return "EMPTY_SET", set
	case 0x90:
		return "ADDITEMS", set
	case 0x91:
		return "FROZENSET", set
	case 'S':
		return "STRING", python2
	case 'T':
		return "BINSTRING", python2
	case 'U':
		return "SHORT_BINSTRING", python2
	}
	return "", ""
}
