package jetstream

const childDir = "PATCHBAY_STORE_TEST_CHILD"

func runChild(dir string) int { return 0 }
