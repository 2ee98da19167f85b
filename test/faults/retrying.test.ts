import { survivesAtEveryCall } from "./every-call.ts";

survivesAtEveryCall("is throttled", "times out");
