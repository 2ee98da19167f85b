import { survivesAtEveryCall } from "./every-call.ts";

survivesAtEveryCall("dies before", "dies after");
