package text_test

import (
	"fmt"

	"patchbay/sdk/text"
)

func ExampleClip() {
	fmt.Println(text.Clip("Grüße", 3)) // "ü" has two bytes
	fmt.Println(text.Abbreviate("a long sentence", 6))
	fmt.Printf("%q\n", text.Split("世界平和", 6))
	// Output:
	// Gr
	// a long…
	// ["世界" "平和"]
}
