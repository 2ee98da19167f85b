import { survivesAtEveryCall } from "./every-call.ts";

survivesAtEveryCall("is repeated");
