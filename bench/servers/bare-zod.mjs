// The yardstick of start-up with the schema library loaded: what importing zod alone costs.
import "zod";
import "./bare.mjs";
