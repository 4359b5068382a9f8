// Sends one event with Go's net/http.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := strings.NewReader(fmt.Sprintf(`{"type": "identify", "userId": %q}`, os.Args[1]))
	request, _ := http.NewRequest("POST", "https://api.june.so/api/identify", body)
	request.Header.Set("Authorization", "Basic secret_api_key")
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != 200 {
		fmt.Fprintln(os.Stderr, answer, err)
		os.Exit(1)
	}
}
