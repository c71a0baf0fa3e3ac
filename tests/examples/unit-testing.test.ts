// The example for vitest is a test file: it runs as one.
import "../../examples/unit-testing/weather.test.ts";
