<?php
// Sends one event with PHP's curl.
$handle = curl_init('https://api.june.so/api/identify');
curl_setopt_array($handle, [
    CURLOPT_POSTFIELDS => json_encode(['type' => 'identify', 'userId' => $argv[1]]),
    CURLOPT_HTTPHEADER => ['Authorization: Basic secret_api_key', 'Content-Type: application/json'],
    CURLOPT_RETURNTRANSFER => true,
]);
curl_exec($handle);
$status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
if ($status !== 200) {
    fwrite(STDERR, "answered $status " . curl_error($handle) . "\n");
    exit(1);
}
