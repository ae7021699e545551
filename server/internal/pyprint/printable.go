package pyprint

import (
	"strconv"
	"unicode/utf8"
)

// isPrintable is Python 3.11's str.isprintable for one character: letters, marks, numbers,
// punctuation, symbols and the ASCII space, by Unicode 14. Go draws the same line by the Unicode of
// its own version, so what was assigned since is taken out again.
func isPrintable(r rune) bool {
	switch {
	case !strconv.IsPrint(r):
		return false
	case r < utf8.RuneSelf:
		return true
	case r <= 0xffff:
		return !inRanges(newerBMP, 3, r)
	default:
		return !inRanges(newerBeyond, 4, r)
	}
}

// The ranges, as first and last character, that hold every character assigned from Unicode 15.0 to
// 17.0 and none that was printable before. Written in UTF-8, all characters of one string have the
// same width: 3 bytes in the Basic Multilingual Plane (none is below U+0800), 4 beyond it.
const (
	newerBMP = "\u088f\u0897" + "\u0c5c\u0c5c" + "\u0cdc\u0cdc" + "\u0cf3\u0cf3" + "\u0ece\u0ece" +
		"\u1acf\u1aeb" + "\u1b4e\u1b4f" + "\u1b7f\u1b7f" + "\u1c89\u1c8a" + "\u20c1\u20c1" +
		"\u2427\u2429" + "\u2b96\u2b96" + "\u2ffc\u2fff" + "\u31e4\u31ef" + "\ua7cb\ua7cf" +
		"\ua7d2\ua7d2" + "\ua7d4\ua7d4" + "\ua7da\ua7f1" + "\ufbc3\ufbd2" + "\ufd90\ufd91" +
		"\ufdc8\ufdce"
	newerBeyond = "\U000105c0\U000105f3" + "\U00010940\U00010959" + "\U00010d40\U00010d8f" + "\U00010ec2\U00010eff" +
		"\U0001123f\U00011241" + "\U00011380\U000113e2" + "\U000116d0\U000116e3" + "\U00011b00\U00011bf9" +
		"\U00011db0\U00011de9" + "\U00011f00\U00011f5a" + "\U0001342f\U000143fa" + "\U00016100\U00016139" +
		"\U00016d40\U00016d79" + "\U00016ea0\U00016ed3" + "\U00016ff2\U00016ff6" + "\U000187f8\U000187ff" +
		"\U00018cff\U00018cff" + "\U00018d09\U00018df2" + "\U0001b132\U0001b132" + "\U0001b155\U0001b155" +
		"\U0001cc00\U0001cef0" + "\U0001d2c0\U0001d2d3" + "\U0001df25\U0001df2a" + "\U0001e030\U0001e08f" +
		"\U0001e4d0\U0001e6ff" + "\U0001f6d8\U0001f6dc" + "\U0001f774\U0001f77f" + "\U0001f7d9\U0001f7d9" +
		"\U0001f8b2\U0001f8d8" + "\U0001fa54\U0001fa57" + "\U0001fa75\U0001fa77" + "\U0001fa87\U0001fa8f" +
		"\U0001faad\U0001faaf" + "\U0001fabb\U0001fabf" + "\U0001fac6\U0001facf" + "\U0001fada\U0001fadf" +
		"\U0001fae8\U0001faef" + "\U0001faf7\U0001faf8" + "\U0001fbcb\U0001fbef" + "\U0001fbfa\U0001fbfa" +
		"\U0002b739\U0002b73f" + "\U0002cea2\U0002cead" + "\U0002ebf0\U0002ee5d" + "\U00031350\U00033479"
)

// inRanges finds r by binary search in ranges written as pairs of characters of width bytes each.
func inRanges(ranges string, width int, r rune) bool {
	at := func(i int) rune {
		c, _ := utf8.DecodeRuneInString(ranges[i*width:])
		return c
	}
	low, high := 0, len(ranges)/(2*width)
	for low < high {
		mid := (low + high) / 2
		if at(2*mid+1) < r {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return 2*low*width < len(ranges) && at(2*low) <= r
}
