package media

// typeByExtension contains extensions that are common in chats. The tables of package mime depend on the machine.
var typeByExtension = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".bmp": "image/bmp", ".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heic", ".tif": "image/tiff",
	".tiff": "image/tiff", ".ico": "image/x-icon", ".svg": svg,
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg",
	".opus": "audio/opus", ".wav": "audio/wav", ".weba": "audio/webm", ".flac": "audio/flac", ".amr": "audio/amr",
	".silk": "audio/silk", ".wma": "audio/x-ms-wma",
	".mp4": "video/mp4", ".m4v": "video/x-m4v", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".3gp": "video/3gpp", ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".wmv": "video/x-ms-wmv",
	".flv": "video/x-flv", ".mpg": "video/mpeg", ".mpeg": "video/mpeg",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".rar": "application/vnd.rar",
	".7z": "application/x-7z-compressed", ".txt": "text/plain", ".csv": "text/csv", ".md": "text/markdown",
	".rtf": "application/rtf", ".json": "application/json", ".xml": "text/xml", ".html": "text/html",
	".htm": "text/html", ".xhtml": "application/xhtml+xml", ".js": "text/javascript", ".mjs": "text/javascript",
	".css": "text/css", ".doc": "application/msword", ".xls": "application/vnd.ms-excel",
	".ppt":  "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".epub": "application/epub+zip",
}

// extensionByType maps each type to its usual extension.
var extensionByType = usualExtensions()

func usualExtensions() map[string]string {
	out := map[string]string{"audio/3gpp": ".3gp", "application/ogg": ".ogg"}
	for ext, t := range typeByExtension {
		if old, ok := out[t]; !ok || len(ext) < len(old) || len(ext) == len(old) && ext < old {
			out[t] = ext
		}
	}
	out["audio/ogg"], out["image/heic"], out["video/mpeg"] = ".ogg", ".heic", ".mpg"
	return out
}
