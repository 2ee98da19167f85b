import { survivesAtEveryCall } from "./every-call.ts";

survivesAtEveryCall("fails once before", "fails once after");
